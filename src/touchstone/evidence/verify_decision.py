"""The part of verification that reads the decision: does it follow, does it hold now, is it what is asked for?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.certificate import Certificate, Refusal, decide, has_own_number, instant
from touchstone.evidence.layout import Role, StatementName, receipt_of
from touchstone.evidence.policy import Facts, Policy, unmet
from touchstone.evidence.replication import Replication
from touchstone.evidence.statement import Statement
from touchstone.evidence.verification import Kind, Signed, Steps
from touchstone.evidence.verify_log import LogExamination
from touchstone.evidence.verify_status import StatusExamination
from touchstone.records import Assessment, Profile
from touchstone.text import Text


class DecisionExamination:
    """Looks at the certificate or refusal, and at what became of it."""

    def __init__(self, root: Path, at: datetime, status: StatusExamination, log: LogExamination, steps: Steps) -> None:
        self._root = root
        self._at = at
        self._status = status
        self._log = log
        self._steps = steps
        self._decided: tuple[Certificate | Refusal, Signed] | None = None
        self.system: Digest | None = None
        """The system that was decided on, once that is known."""

    def decision(
        self, signed: Signed, assessed: Signed | None, assessment: Assessment | None, bundle: Bundle | None
    ) -> tuple[Kind, Text] | None:
        """The certificate or refusal: made again from the assessment when that is at hand, and within its time."""
        predicate: Certificate | Refusal | None = None
        with self._steps.noting("decision", signed.file):
            certified = signed.statement.predicate_type == StatementName.CERTIFICATE.predicate_type
            predicate = (Certificate if certified else Refusal).from_json(signed.statement.predicate, signed.file)
            self.system = predicate.decision.system.digest
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
        return None if predicate is None else (predicate.kind, _title(predicate))

    def apply(self, policy: Policy, replications: Mapping[str, Replication]) -> None:
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
            replications=replications,
        )
        reasons = list(unmet(policy.require, facts))
        for reason in reasons:
            self._steps.unmet("policy", reason, signed.file)
        if not reasons:
            self._steps.ok("policy", Text(f"meets the policy {policy.name}", f"符合政策 {policy.name}"), signed.file)

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


def _title(predicate: Certificate | Refusal) -> Text:
    name = Text("certificate", "证书") if predicate.kind == "certificate" else Text("refusal", "拒绝决定")
    text = predicate.decision.text
    return Text(f"{name.en} {predicate.id}: {text.en}", f"{name.zh} {predicate.id}：{text.zh}")
