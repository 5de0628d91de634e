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

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.certificate import Certificate, Refusal, decide, has_own_number, instant, moment_text
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import (
    ASSESSMENT,
    EVIDENCE_FOLDER,
    EVIDENCE_ZIP,
    INDEX,
    Role,
    StatementName,
    receipt_of,
)
from touchstone.evidence.log_trust import log_policy_of
from touchstone.evidence.policy import Facts, Policy, unmet
from touchstone.evidence.projections import projections_again
from touchstone.evidence.reading import SignedReader
from touchstone.evidence.rederive import judged_again, seeds_again, system_digest
from touchstone.evidence.replication import Replication
from touchstone.evidence.sm2 import Sm2VerifyingKey
from touchstone.evidence.statement import (
    AssessmentPredicate,
    PlanPredicate,
    Seeds,
    Statement,
    assessment_statement,
    plan_statement,
)
from touchstone.evidence.timestamp import Authority
from touchstone.evidence.trust import NOBODY, PartyRole, Trusted
from touchstone.evidence.verification import Kind, Signed, Step, Steps, Verification
from touchstone.evidence.verify_history import ask_log
from touchstone.evidence.verify_later import recognised, replicated
from touchstone.evidence.verify_log import LogExamination
from touchstone.evidence.verify_sm2 import signed_with_sm2
from touchstone.evidence.verify_status import StatusExamination, StatusQuestion
from touchstone.evidence.verify_time import TimeExamination
from touchstone.records import Assessment, Profile
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
        self._decided: tuple[Certificate | Refusal, Signed] | None = None
        self._replications: dict[str, Replication] = {}
        self._system: Digest | None = None
        self._bundles: list[Bundle] = []
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
        if self._decided is None:
            self._steps.unmet("policy", Text("there is no decision to rely on", "没有可供采信的决定"))
            return
        predicate, signed = self._decided
        decision = predicate.decision
        facts = Facts(
            kind=predicate.kind,
            profile=decision.profile.id,
            edition=decision.profile.edition,
            level=decision.profile.level,
            synthetic=decision.synthetic,
            witnesses=self._log.witnesses,
            status_age=self._status.age,
            replications=self._replications,
        )
        reasons = list(unmet(policy.require, facts))
        for reason in reasons:
            self._steps.unmet("policy", reason, signed.file)
        if not reasons:
            self._steps.ok("policy", Text(f"meets the policy {policy.name}", f"符合政策 {policy.name}"), signed.file)

    def output_folder(self) -> tuple[Kind, Text]:
        """Everything `assess` wrote."""
        bundle = self._evidence([name for name in (EVIDENCE_FOLDER, *_PACKED) if os.path.lexists(self._root / name)])
        plan = self._statement(StatementName.PLAN)
        assessed = self._statement(StatementName.ASSESSMENT)
        decided = self._statement(self._decision_name())
        assessment = None if assessed is None else self._assessment(assessed, bundle)
        self._plan(plan, assessment)
        kind, title = self._decision(decided, assessed, assessment, bundle)
        self._judgement(bundle, assessment)
        self._projections(bundle)
        self._copy(assessment)
        if assessed is not None and bundle is not None:
            self._replications = replicated(self._reader, assessed, bundle.manifest_digest, self._steps)
        self._log.statements([signed for signed in (plan, assessed, decided) if signed is not None])
        self._is_whole = True
        return kind, title

    def bundle(self, name: str) -> tuple[Kind, Text]:
        """A bundle, and the signed assessment beside it: alone, a bundle only agrees with itself."""
        bundle = self._evidence([name])
        assessed = self._statement(StatementName.ASSESSMENT)
        if assessed is not None:
            self._judgement(bundle, self._assessment(assessed, bundle))
            self._projections(bundle)
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
            return self._decision(signed, None, None, None)
        with self._steps.noting("statement", file):
            if name is StatementName.PLAN:
                plan = PlanPredicate.from_json(signed.statement.predicate, file).plan
                self._system = plan.system
                return "plan", Text(f"plan against profile {plan.profile_id}", f"针对档案 {plan.profile_id} 的计划")
            if name is StatementName.ASSESSMENT:
                assessment = AssessmentPredicate.from_json(signed.statement.predicate, file).assessment
                self._system = assessment.system.digest
                return "assessment", _assessment_title(assessment)
            raise EvidenceError(Text("is a statement of an unknown kind", "是未知类型的声明"), file)
        return "evidence", _UNKNOWN

    def compare_system(self, folder: Path) -> None:
        """Whether the system in `folder` is the one the statements are about."""
        found = system_digest(folder)
        if self._system is None:
            self._steps.not_checked("system", Text("no statement says which system was tested", "没有声明指明受测系统"))
        elif found == self._system:
            self._steps.ok(
                "system",
                Text("the system in the folder is the one that was tested", "文件夹中的系统即受测系统"),
                str(folder),
            )
        else:
            self._steps.failed(
                "system",
                Text(
                    f"is another system ({found}) than the one tested ({self._system})",
                    f"该系统（{found}）不是受测系统（{self._system}）",
                ),
                str(folder),
            )

    def _evidence(self, names: list[str]) -> Bundle | None:
        """Check every form in which the evidence is there; it is only used when nothing is wrong with any."""
        if not names:
            self._steps.failed("evidence", Text("is missing", "缺失"), EVIDENCE_FOLDER)
        for name in names:
            with self._steps.noting("evidence", name):
                bundle = Bundle.open(self._root / name, name)
                self._bundles.append(bundle)
                problems = bundle.check()
                for problem in problems:
                    self._steps.failed("evidence", problem.text, problem.file, names=problem.names)
                if not problems:
                    self._intact(bundle, name)
        damaged = any(step.status == "failed" for step in self._steps.taken)
        return None if damaged else self._bundles[0]

    def _intact(self, bundle: Bundle, name: str) -> None:
        count, withheld = len(bundle.entries), bundle.withheld
        if not withheld:
            self._steps.ok("evidence", Text(f"all {count} entries are intact", f"全部 {count} 个条目完好"), name)
            return
        here = count - len(withheld)
        self._steps.ok(
            "evidence", Text(f"{here} of {count} entries are intact", f"{count} 个条目中的 {here} 个完好"), name
        )
        names = ", ".join(entry.name for entry in withheld)
        self._steps.not_checked(
            "disclosure",
            Text(
                f"openly withheld, as the signed manifest allows: {names}",
                f"已声明不予披露（所签名清单允许）：{names}",
            ),
            name,
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

    def _assessment(self, signed: Signed, bundle: Bundle | None) -> Assessment | None:
        """The signed assessment, once it is known to be about this evidence."""
        with self._steps.noting("binding", signed.file):
            predicate = AssessmentPredicate.from_json(signed.statement.predicate, signed.file)
            assessment = predicate.assessment
            rebuilt = assessment_statement(
                assessment,
                evidence=predicate.evidence,
                reproducible=predicate.reproducible,
                seeds=predicate.seeds,
            )
            signed.require(
                rebuilt == signed.statement,
                Text("names another subject than its assessment", "声明对象与其测评结论不一致"),
            )
            self._system = assessment.system.digest
            self._manifests(predicate, signed.file)
            if bundle is None:
                self._steps.not_checked(
                    "binding",
                    Text("whether it rests on this evidence: that is not intact", "是否依据该证据：证据不完好"),
                    signed.file,
                )
                return assessment
            signed.require(
                predicate.reproducible == bundle.manifest.reproducible,
                Text("states another reproducible part than the evidence", "所称可复现部分与证据不符"),
            )
            for role, expected in (
                (Role.PROFILE, assessment.profile.digest),
                (Role.PLAN, assessment.plan),
                (Role.ASSESSMENT, assessment.own_digest()),
            ):
                signed.require(
                    bundle.only(role).digest == expected,
                    Text(f"names another {role} than the one in the evidence", f"所指 {role} 与证据中的不同"),
                )
            self._steps.ok(
                "binding", Text("rests on this evidence, plan and profile", "依据该证据、计划与档案"), signed.file
            )
            self._seeds(signed, predicate.seeds, bundle)
            return assessment
        return None

    def _seeds(self, signed: Signed, seeds: Seeds, bundle: Bundle) -> None:
        """Whether the randomness of the tests was what it is said to be."""
        signed.require(
            seeds_again(bundle, seeds),
            Text("states seeds that the tests did not use", "所称随机种子与测试实际使用的不符"),
        )
        if seeds.nonce is None:
            self._steps.ok(
                "seeds",
                Text(
                    "every seed follows from the system; no third party gave a nonce",
                    "全部随机种子由系统导出；没有第三方给出随机数",
                ),
                signed.file,
            )
        else:
            self._steps.ok(
                "seeds",
                Text(
                    f"every seed follows from the plan and the nonce {seeds.nonce!r}: ask {seeds.nonce_from} about it",
                    f"全部随机种子由计划与随机数 {seeds.nonce!r} 导出：请向 {seeds.nonce_from} 核实",
                ),
                signed.file,
            )

    def _manifests(self, predicate: AssessmentPredicate, signed_file: str) -> None:
        """Every bundle here, intact or not, must have the manifest that was signed."""
        for bundle in self._bundles:
            if bundle.manifest_digest != predicate.evidence:
                self._steps.failed(
                    "evidence",
                    Text(f"is not the manifest that {signed_file} names", f"不是 {signed_file} 所指的清单"),
                    bundle.manifest_file,
                )

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

    def _decision(
        self, signed: Signed | None, assessed: Signed | None, assessment: Assessment | None, bundle: Bundle | None
    ) -> tuple[Kind, Text]:
        """The certificate or refusal: made again from the assessment when that is at hand, and within its time."""
        if signed is None:
            return "assessment", _UNKNOWN if assessment is None else _assessment_title(assessment)
        predicate: Certificate | Refusal | None = None
        with self._steps.noting("decision", signed.file):
            certified = signed.statement.predicate_type == StatementName.CERTIFICATE.predicate_type
            predicate = (Certificate if certified else Refusal).from_json(signed.statement.predicate, signed.file)
            self._system = self._system or predicate.decision.system.digest
            signed.require(
                has_own_number(predicate) and signed.statement.subject_digest == predicate.decision.system.digest,
                Text("contradicts itself: its number or subject is not its own", "自相矛盾：编号或对象与内容不符"),
            )
            if assessed is not None and assessment is not None and bundle is not None:
                signed.require(
                    _decided_again(predicate, assessed, assessment, bundle, signed.file) == signed.statement,
                    Text("is not the decision that follows from the assessment", "不是由该测评得出的决定"),
                )
                self._steps.ok(
                    "decision",
                    Text("is the decision that follows from the assessment", "是由该测评得出的决定"),
                    signed.file,
                )
            else:
                self._steps.not_checked(
                    "decision",
                    Text("whether it follows from the assessment: that is not at hand", "是否由测评得出：缺少测评结论"),
                    signed.file,
                )
            self._decided = (predicate, signed)
            self._validity(predicate, signed.file)
            self._scope(predicate, signed)
            if isinstance(predicate, Certificate):
                self._status.certificate(signed, predicate)
                for change in self._status.changes:
                    if os.path.lexists(self._root / receipt_of(change.file)):
                        self._log.single_statement(change)
        if predicate is None:
            return "evidence", _UNKNOWN
        return predicate.kind, _decision_title(predicate)

    def _validity(self, predicate: Certificate | Refusal, file: str) -> None:
        if isinstance(predicate, Refusal):
            self._steps.ok("validity", Text("is a refusal: there is no certificate", "为拒绝决定：未颁发证书"), file)
            return
        validity = predicate.validity
        start, end = _moment(validity.not_before, file), _moment(validity.not_after, file)
        if self._at < start:
            self._steps.failed(
                "validity",
                Text(f"is not valid before {validity.not_before}", f"在 {validity.not_before} 之前无效"),
                file,
            )
        elif self._at >= end:
            self._steps.failed(
                "validity", Text(f"expired on {validity.not_after}", f"已于 {validity.not_after} 到期"), file
            )
        else:
            self._steps.ok(
                "validity", Text(f"is valid until {validity.not_after}", f"有效期至 {validity.not_after}"), file
            )

    def _scope(self, predicate: Certificate | Refusal, signed: Signed) -> None:
        profile = predicate.decision.profile
        if not signed.party.covers(profile.id, profile.level):
            name = signed.party.name
            self._steps.unmet(
                "scope",
                Text(
                    f"{name} is not trusted for profile {profile.id} at level {profile.level}",
                    f"{name} 未被信任就档案 {profile.id} 的 {profile.level} 级作出决定",
                ),
                signed.file,
            )

    def _judgement(self, bundle: Bundle | None, assessment: Assessment | None) -> None:
        if bundle is None or assessment is None:
            self._steps.not_checked(
                "judgement",
                Text("not judged again: evidence or assessment is not intact", "未重新判定：证据或测评结论不完好"),
            )
            return
        with self._steps.noting("judgement", StatementName.ASSESSMENT.file):
            if judged_again(bundle) == assessment:
                self._steps.ok(
                    "judgement",
                    Text("the same verdict follows from the recorded observations", "由所记录的观测可得相同结论"),
                )
            else:
                self._steps.failed(
                    "judgement",
                    Text("does not follow from the recorded observations", "不能由所记录的观测得出"),
                    StatementName.ASSESSMENT.file,
                )

    def _projections(self, bundle: Bundle | None) -> None:
        """Documents in other formats must say what the records say."""
        if bundle is None or not bundle.with_role(Role.PROJECTION):
            return
        with self._steps.noting("projections", EVIDENCE_FOLDER):
            problems = projections_again(bundle)
            for problem in problems:
                self._steps.failed("projections", problem.text, problem.file, names=problem.names)
            if not problems:
                self._steps.ok(
                    "projections",
                    Text("the documents in other formats follow from the records", "其他格式的文档可由记录推出"),
                )

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


def _decided_again(
    predicate: Certificate | Refusal, assessed: Signed, assessment: Assessment, bundle: Bundle, where: str
) -> Statement:
    """The decision made once more, taking from the old one only what nobody could compute."""
    given = predicate.decision
    return decide(
        assessment,
        Profile.from_bytes(bundle.read_role(Role.PROFILE), Role.PROFILE),
        assessment_envelope=digest_of(assessed.data),
        evidence=bundle.manifest_digest,
        holder=given.holder,
        issuer=given.issuer,
        issued=_moment(given.issued, where),
    )


def _moment(text: str, where: str) -> datetime:
    try:
        return instant(text)
    except ValueError:
        raise EvidenceError(Text(f"states a time that does not exist: {text}", f"时间不存在：{text}"), where) from None


def _assessment_title(assessment: Assessment) -> Text:
    system, profile = assessment.system, assessment.profile
    verdict = assessment.verdict
    return Text(
        f"assessment of {system.name} {system.version} against {profile.id}, edition {profile.edition}: {verdict}",
        f"{system.name} {system.version} 依据 {profile.id}（{profile.edition} 版）的测评：{verdict}",
    )


def _decision_title(predicate: Certificate | Refusal) -> Text:
    name = Text("certificate", "证书") if predicate.kind == "certificate" else Text("refusal", "拒绝决定")
    text = predicate.decision.text
    return Text(f"{name.en} {predicate.id}: {text.en}", f"{name.zh} {predicate.id}：{text.zh}")


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
