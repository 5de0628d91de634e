"""Verify an output folder, a bundle or a single statement: offline, with nothing but the keys you trust.

    verification = verify(Path("out"), key=load_public_key(Path("lab.key.pub")), at=datetime.now(UTC))
    verification.ok, [step.file for step in verification.steps if step.status == "failed"]

Nothing found in the folder is believed before it was checked against the keys, and the keys are never taken
from the folder. Every fault becomes a failed step that names its file; only input that is no evidence at all
raises `EvidenceError`.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from touchstone.canonical import Digest
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.certificate import moment_text
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import (
    ASSESSMENT,
    EVIDENCE_FOLDER,
    EVIDENCE_ZIP,
    INDEX,
    StatementName,
)
from touchstone.evidence.log_trust import log_policy_of
from touchstone.evidence.policy import Policy
from touchstone.evidence.reading import SignedReader
from touchstone.evidence.rederive import system_digest
from touchstone.evidence.replication import Replication
from touchstone.evidence.sm2 import Sm2VerifyingKey
from touchstone.evidence.statement import (
    AssessmentPredicate,
    PlanPredicate,
    plan_statement,
)
from touchstone.evidence.timestamp import Authority
from touchstone.evidence.trust import NOBODY, PartyRole, Trusted
from touchstone.evidence.verification import Kind, Signed, Step, Steps, Verification
from touchstone.evidence.verify_bundle import EvidenceExamination
from touchstone.evidence.verify_decision import DecisionExamination
from touchstone.evidence.verify_history import ask_log
from touchstone.evidence.verify_later import recognised, replicated
from touchstone.evidence.verify_log import LogExamination
from touchstone.evidence.verify_sm2 import signed_with_sm2
from touchstone.evidence.verify_status import StatusExamination, StatusQuestion
from touchstone.evidence.verify_time import TimeExamination
from touchstone.records import Assessment
from touchstone.signatures.keys import LogVerifyingKey, VerifyingKey
from touchstone.text import Text
from touchstone.tlog.policy import Policy as LogPolicy


def verify(
    path: Path,
    *,
    at: datetime,
    key: VerifyingKey | None = None,
    log_key: LogVerifyingKey | None = None,
    log_policy: LogPolicy | None = None,
    authorities: Collection[Authority] = (),
    trusted: Trusted = NOBODY,
    policy: Policy | None = None,
    status: Path | None = None,
    max_age: timedelta | None = None,
    recognitions: Collection[Path] = (),
    log_folder: Path | None = None,
    sm2_key: Sm2VerifyingKey | None = None,
    system: Path | None = None,
) -> Verification:
    """Check everything at `path` that can be checked with what is trusted.

    `path` is an output folder, an evidence bundle (folder, zip or tar; the signed assessment is looked for beside it)
    or one signed statement (its receipt is looked for in `receipts/` beside it). `key` was handed over by somebody
    who is trusted to sign any statement; `trusted` are others, each in its role. The log and its witnesses are
    trusted by `log_key`, by `log_policy` (C2SP tlog-policy) or by their roles in `trusted`, timestamping
    authorities by `authorities` in the same way.

    `at` is the moment at which a certificate must be valid; it knows its time zone. `status` is the issuer's snapshot
    of its certificates, and `max_age` how old it may be; `recognitions` are files in which trusted parties recognise
    others. With `policy`, only what it trusts is trusted, and its demands are checked at the end. With `sm2_key`,
    every statement must have a second envelope by it. With `log_folder`, that copy of the log is asked what else the
    signers put on it. With `system`, the system lying there is compared as well.
    Raises `EvidenceError` when `path` is no evidence or a key that the policy trusts was not given.
    """
    if at.tzinfo is None:
        raise ValueError("the moment of verification has no time zone")
    if not path.exists():
        raise EvidenceError(
            Text("does not exist", "不存在"),
            str(path),
            Text("give what `touchstone assess` wrote", "请指定 `touchstone assess` 的输出"),
        )
    if key is not None:
        trusted = Trusted.of_keys(key) + trusted
    if policy is not None:
        trusted = policy.narrow(trusted)
    path = path.absolute()
    is_bundle = (path / INDEX).is_file() or path.name.endswith((".zip", ".tar"))
    root = path if path.is_dir() and not is_bundle else path.parent
    if log_policy is None:
        log_policy = log_policy_of(trusted, 0 if policy is None else policy.require.witnesses)
    stamping = (*authorities, *_authorities(trusted))
    examination = _Examination(root, trusted, log_key, log_policy, stamping, StatusQuestion(at, status, max_age))
    examination.recognise(recognitions)
    if is_bundle:
        kind, title = examination.bundle(path.name)
    elif path.is_file():
        kind, title = examination.single_statement(path.name)
    elif any(os.path.lexists(path / name) for name in _LANDMARKS):
        kind, title = examination.output_folder()
    else:
        raise EvidenceError(
            Text("holds no evidence, statement or certificate", "其中没有证据、声明或证书"),
            str(path),
            Text("give the folder that `touchstone assess` wrote", "请指定 `touchstone assess` 写出的文件夹"),
        )
    if system is not None:
        examination.compare_system(system)
    if log_folder is not None:
        examination.ask_log(log_folder)
    examination.signed_in_time()
    examination.signed_twice(sm2_key)
    if policy is not None:
        examination.apply(policy)
    return Verification(
        kind=kind,
        title=title,
        steps=examination.steps,
        uncovered=examination.uncovered(),
        keys=trusted.statement_keys(),
        log_key=None if log_key is None else log_key.id,
        witnesses=examination.witnesses,
        policy=None if policy is None else policy.name,
    )


_PACKED = (EVIDENCE_ZIP,)
_LANDMARKS = (EVIDENCE_FOLDER, *_PACKED, *(name.file for name in StatementName))
_UNKNOWN = Text("nothing that could be identified", "无法识别的内容")


class _Examination:
    """Goes through the files under one folder and notes what it finds, step by step."""

    def __init__(
        self,
        root: Path,
        trusted: Trusted,
        log_key: LogVerifyingKey | None,
        log_policy: LogPolicy | None,
        authorities: Collection[Authority],
        question: StatusQuestion,
    ) -> None:
        self._root = root
        self._steps = Steps()
        self._reader = SignedReader(root, trusted, self._steps)
        self._status = StatusExamination(self._reader, question, self._steps)
        self._log = LogExamination(root, log_key, self._steps, log_policy)
        self._time = TimeExamination(root, authorities, log_key, self._steps)
        self._at = question.at
        self._opened: list[Signed] = []
        self._evidence = EvidenceExamination(root, self._steps)
        self._decision = DecisionExamination(root, question.at, self._status, self._log, self._steps)
        self._replications: dict[str, Replication] = {}
        self._planned: Digest | None = None
        """The system that a single statement is about."""
        self._is_whole = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was found, in the order in which it was looked at."""
        return tuple(self._steps.taken)

    @property
    def witnesses(self) -> int:
        """How many independent witnesses cosigned the log's checkpoint."""
        return self._log.witnesses

    def recognise(self, given: Collection[Path]) -> None:
        """Trust also the issuers that somebody trusted recognises."""
        self._reader.trusted += recognised(self._reader, given, self._at, self._steps)

    def ask_log(self, folder: Path) -> None:
        """What else the signers of these statements put on the log."""
        ask_log(folder, self._root, (*self._opened, *self._status.changes), self._steps)

    def signed_in_time(self) -> None:
        """Whether each key was valid, and not yet compromised, when it signed: judged at a time others attest."""
        signed_here = (*self._opened, *self._status.changes)
        self._time.statements(signed_here)
        for signed in signed_here:
            times = (self._time.seen_at(signed.file), self._log.seen_at(signed.file))
            seen = min((time for time in times if time is not None), default=None)
            if seen is not None:
                time = moment_text(seen)
                self._steps.ok(
                    "time",
                    Text(f"was seen by somebody independent by {time}", f"独立方不晚于 {time} 见到该声明"),
                    signed.file,
                )
            fault = signed.party.fault_at(seen or self._at, independent=seen is not None)
            if fault is not None:
                self._steps.failed("key", fault, signed.file)

    def signed_twice(self, key: Sm2VerifyingKey | None) -> None:
        """Whether the statements were signed once more with a national algorithm."""
        signed_with_sm2(self._root, self._opened, key, self._steps)

    def apply(self, policy: Policy) -> None:
        """Whether a relying party's demands are met, with every reason why not."""
        self._decision.apply(policy, self._replications)

    def output_folder(self) -> tuple[Kind, Text]:
        """Everything `assess` wrote."""
        bundle = self._evidence.open(
            [name for name in (EVIDENCE_FOLDER, *_PACKED) if os.path.lexists(self._root / name)]
        )
        plan = self._statement(StatementName.PLAN)
        assessed = self._statement(StatementName.ASSESSMENT)
        decided = self._statement(self._decision_name())
        assessment = None if assessed is None else self._evidence.assessment(assessed, bundle)
        self._plan(plan, assessment)
        kind, title = self._concluded(decided, assessed, assessment, bundle)
        self._evidence.judgement(bundle, assessment)
        self._evidence.lock(bundle, self._log, plan, assessed, decided)
        self._evidence.audits(bundle)
        self._evidence.projections(bundle)
        self._copy(assessment)
        if assessed is not None and bundle is not None:
            self._replications = replicated(self._reader, assessed, bundle.manifest_digest, self._steps)
        self._log.statements([signed for signed in (plan, assessed, decided) if signed is not None])
        self._is_whole = True
        return kind, title

    def bundle(self, name: str) -> tuple[Kind, Text]:
        """A bundle, and the signed assessment beside it: alone, a bundle only agrees with itself."""
        bundle = self._evidence.open([name])
        assessed = self._statement(StatementName.ASSESSMENT)
        if assessed is not None:
            self._evidence.judgement(bundle, self._evidence.assessment(assessed, bundle))
            self._evidence.lock(bundle, self._log, None, assessed, None)
            self._evidence.audits(bundle)
            self._evidence.projections(bundle)
        return "evidence", Text(f"evidence bundle {name}", f"证据包 {name}")

    def single_statement(self, file: str) -> tuple[Kind, Text]:
        """One signed statement, with its receipt when there is one."""
        signed = self._open(file)
        if signed is None:
            return "evidence", _UNKNOWN
        self._steps.not_checked("evidence", Text("the evidence is not at hand", "未提供证据"))
        self._log.single_statement(signed)
        kinds: dict[str, StatementName] = {name.predicate_type: name for name in StatementName}
        name = kinds.get(signed.statement.predicate_type)
        if name in (StatementName.CERTIFICATE, StatementName.REFUSAL):
            return self._decision.decision(signed, None, None, None) or ("evidence", _UNKNOWN)
        with self._steps.noting("statement", file):
            if name is StatementName.PLAN:
                plan = PlanPredicate.from_json(signed.statement.predicate, file).plan
                self._planned = plan.system
                return "plan", Text(f"plan against profile {plan.profile_id}", f"针对档案 {plan.profile_id} 的计划")
            if name is StatementName.ASSESSMENT:
                assessment = AssessmentPredicate.from_json(signed.statement.predicate, file).assessment
                self._planned = assessment.system.digest
                return "assessment", _assessment_title(assessment)
            raise EvidenceError(Text("is a statement of an unknown kind", "是未知类型的声明"), file)
        return "evidence", _UNKNOWN

    def compare_system(self, folder: Path) -> None:
        """Whether the system in `folder` is the one the statements are about."""
        found = system_digest(folder)
        tested = self._evidence.system or self._decision.system or self._planned
        if tested is None:
            self._steps.not_checked("system", Text("no statement says which system was tested", "没有声明指明受测系统"))
        elif found == tested:
            self._steps.ok(
                "system",
                Text("the system in the folder is the one that was tested", "文件夹中的系统即受测系统"),
                str(folder),
            )
        else:
            self._steps.failed(
                "system",
                Text(
                    f"is another system ({found}) than the one tested ({tested})",
                    f"该系统（{found}）不是受测系统（{tested}）",
                ),
                str(folder),
            )

    def _decision_name(self) -> StatementName:
        there = [
            name
            for name in (StatementName.CERTIFICATE, StatementName.REFUSAL)
            if os.path.lexists(self._root / name.file)
        ]
        if len(there) == 2:
            self._steps.failed(
                "statement",
                Text("lies beside a certificate: only one of them can be true", "与证书并存：两者只能有一个为真"),
                StatementName.REFUSAL.file,
            )
        return there[0] if there else StatementName.CERTIFICATE

    def _statement(self, name: StatementName) -> Signed | None:
        signed = self._open(name.file)
        if signed is not None and signed.statement.predicate_type != name.predicate_type:
            self._steps.failed("statement", Text("holds a statement of another kind", "内含另一类声明"), name.file)
            return None
        return signed

    def _open(self, file: str) -> Signed | None:
        signed = self._reader.open(file)
        if signed is not None:
            self._opened.append(signed)
        return signed

    def _plan(self, signed: Signed | None, assessment: Assessment | None) -> None:
        if signed is None or assessment is None:
            return
        with self._steps.noting("binding", signed.file):
            plan = PlanPredicate.from_json(signed.statement.predicate, signed.file).plan
            signed.require(
                plan.own_digest() == assessment.plan
                and plan_statement(assessment.system.name, plan) == signed.statement,
                Text("is not the plan the assessment was made under", "不是该测评所依据的计划"),
            )
            signed.require(
                (plan.system, plan.profile) == (assessment.system.digest, assessment.profile.digest),
                Text("is about another system or profile than the assessment", "与测评所针对的系统或档案不同"),
            )
            self._steps.ok(
                "binding", Text("is the plan the assessment was made under", "是该测评所依据的计划"), signed.file
            )

    def _concluded(
        self, signed: Signed | None, assessed: Signed | None, assessment: Assessment | None, bundle: Bundle | None
    ) -> tuple[Kind, Text]:
        """What the folder came to: the decision, or without one the assessment."""
        if signed is not None:
            return self._decision.decision(signed, assessed, assessment, bundle) or ("evidence", _UNKNOWN)
        return "assessment", _UNKNOWN if assessment is None else _assessment_title(assessment)

    def _copy(self, assessment: Assessment | None) -> None:
        """The unsigned copy for programs must say what the signed assessment says."""
        if assessment is None or not os.path.lexists(self._root / ASSESSMENT):
            return
        self._steps.covered.add(ASSESSMENT)
        with self._steps.noting("binding", ASSESSMENT):
            expected = assessment.to_bytes()
            if read_regular(self._root / ASSESSMENT, ASSESSMENT, largest=len(expected)) != expected:
                raise EvidenceError(Text("is not the assessment that was signed", "不是所签名的测评结论"), ASSESSMENT)
            self._steps.ok("binding", Text("is the assessment that was signed", "即所签名的测评结论"), ASSESSMENT)

    def uncovered(self) -> tuple[str, ...]:
        """Files of a whole output folder that nothing has vouched for."""
        if not self._is_whole:
            return ()
        found = []
        for folder, subfolders, files in os.walk(self._root):
            here = Path(folder)
            if here == self._root:
                subfolders[:] = [name for name in subfolders if name != EVIDENCE_FOLDER]
            paths = ((here / name).relative_to(self._root).as_posix() for name in files)
            found += [_printable(path) for path in paths if path not in {*self._steps.covered, *_PACKED}]
        return tuple(sorted(found))


def _authorities(trusted: Trusted) -> tuple[Authority, ...]:
    return tuple(Authority.of_pem(party.key.encode(), party.name) for party in trusted.in_role(PartyRole.TIMESTAMPING))


def _assessment_title(assessment: Assessment) -> Text:
    system, profile = assessment.system, assessment.profile
    verdict = assessment.verdict
    return Text(
        f"assessment of {system.name} {system.version} against {profile.id}, edition {profile.edition}: {verdict}",
        f"{system.name} {system.version} 依据 {profile.id}（{profile.edition} 版）的测评：{verdict}",
    )


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
