"""What becomes of a certificate after it was issued: a chain of signed changes, and snapshots of where all stand.

Each change names the digest of the one before it (the first names the certificate), so none can be left out of
the middle or put in later. That nothing was cut off the *end* cannot be seen from the chain itself: for this the
issuer signs a snapshot of all its certificates, which says until when it may be relied upon.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field

from touchstone.canonical import Digest
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import Certificate, Instant, instant, moment_text
from touchstone.evidence.layout import LaterStatement
from touchstone.evidence.statement import Statement, statement
from touchstone.signatures.exact import ExactRecord, Hex32, Sha256
from touchstone.text import Text

Standing = Literal["good", "suspended", "withdrawn", "superseded"]
Action = Literal["suspend", "reinstate", "reduce", "withdraw", "supersede"]

STANDINGS: dict[Standing, Text] = {
    "good": Text("good", "有效"),
    "suspended": Text("suspended", "已暂停"),
    "withdrawn": Text("withdrawn", "已撤销"),
    "superseded": Text("superseded by another certificate", "已被新证书取代"),
}

_LEADS_TO: dict[tuple[Standing, Action], Standing] = {
    ("good", "suspend"): "suspended",
    ("suspended", "reinstate"): "good",
    ("good", "reduce"): "good",
    ("suspended", "reduce"): "suspended",
    ("good", "withdraw"): "withdrawn",
    ("suspended", "withdraw"): "withdrawn",
    ("good", "supersede"): "superseded",
    ("suspended", "supersede"): "superseded",
}
"""Everything that may happen. From `withdrawn` and `superseded` there is no way back (ISO/IEC 17065, 7.11)."""


class StatusChange(ExactRecord):
    """One change in the life of a certificate."""

    certificate_id: str
    action: Action
    standing: Standing
    """Where the certificate stands after this change."""
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    effective: Instant
    removed: tuple[str, ...] = ()
    """Controls taken out of the scope; only for `reduce`."""
    superseded_by: Sha256 | None = None
    """Digest of the signed certificate that takes this one's place; only for `supersede`."""
    position: int = Field(ge=1)
    previous: Sha256
    """Digest of the previous signed change, or of the signed certificate for the first."""


@dataclass(frozen=True, slots=True)
class CertificateLife:
    """Where a certificate stands after some changes."""

    certificate_id: str
    scope: tuple[str, ...]
    """Controls the certificate still speaks about."""
    standing: Standing
    since: datetime
    reason: str | None
    changes: int
    last: Digest
    """Digest of the last signed change, or of the signed certificate."""

    @classmethod
    def begin(cls, certificate: Certificate, envelope: Digest) -> Self:
        """A certificate as it was issued; `envelope` is the digest of its signed file."""
        return cls(
            certificate_id=certificate.id,
            scope=tuple(item.control for item in certificate.decision.scope),
            standing="good",
            since=instant(certificate.validity.not_before),
            reason=None,
            changes=0,
            last=envelope,
        )

    def change(
        self,
        action: Action,
        *,
        reason: str,
        effective: datetime,
        removed: Iterable[str] = (),
        superseded_by: Digest | None = None,
    ) -> StatusChange:
        """The next change, ready to be signed. Raises `EvidenceError` when it may not happen."""
        standing = self._after(action)
        removed = tuple(sorted(set(removed)))
        self._require_fitting(action, removed, superseded_by)
        if effective.astimezone(UTC) < self.since:
            raise EvidenceError(
                Text("takes effect before the change it follows", "生效时间早于其前一次变更"), self.certificate_id
            )
        return StatusChange(
            certificate_id=self.certificate_id,
            action=action,
            standing=standing,
            reason=reason,
            effective=moment_text(effective),
            removed=removed,
            superseded_by=superseded_by,
            position=self.changes + 1,
            previous=self.last,
        )

    def after(self, change: StatusChange, envelope: Digest) -> CertificateLife:
        """Where the certificate stands after a signed change. Raises `EvidenceError` when that is not the next one."""
        allowed = self.change(
            change.action,
            reason=change.reason,
            effective=instant(change.effective),
            removed=change.removed,
            superseded_by=change.superseded_by,
        )
        if allowed != change:
            raise EvidenceError(
                Text("does not follow from the change before it", "与前一次变更不衔接"), self.certificate_id
            )
        return CertificateLife(
            certificate_id=self.certificate_id,
            scope=tuple(control for control in self.scope if control not in change.removed),
            standing=change.standing,
            since=instant(change.effective),
            reason=change.reason,
            changes=change.position,
            last=envelope,
        )

    def _after(self, action: Action) -> Standing:
        try:
            return _LEADS_TO[self.standing, action]
        except KeyError:
            now = STANDINGS[self.standing]
            raise EvidenceError(
                Text(f"is {now.en}: it cannot be changed by {action!r}", f"{now.zh}：不能再作 {action!r}"),
                self.certificate_id,
            ) from None

    def _require_fitting(self, action: Action, removed: tuple[str, ...], superseded_by: Digest | None) -> None:
        if (action == "supersede") != (superseded_by is not None) or superseded_by == self.last:
            raise EvidenceError(
                Text("names the new certificate if and only if it is superseded", "仅在被取代时须指明新证书"),
                self.certificate_id,
            )
        if action != "reduce" and removed:
            raise EvidenceError(
                Text("loses controls although its scope is not reduced", "未作范围缩减却移除了控制项"),
                self.certificate_id,
            )
        if action == "reduce" and not (removed and set(removed) < set(self.scope)):
            raise EvidenceError(
                Text(
                    "a reduction removes some, but not all, of the controls in scope",
                    "范围缩减须移除范围内的部分（而非全部）控制项",
                ),
                self.certificate_id,
                Text("withdraw the certificate when nothing is left of it", "若已无剩余范围，请撤销证书"),
            )


class Listed(ExactRecord):
    """One certificate in a snapshot."""

    id: str
    certificate: Hex32
    """SHA-256 of the signed certificate."""
    removed: tuple[str, ...] = ()
    """Controls that are no longer in its scope."""


class ListedNonGood(Listed):
    """A certificate that cannot be relied upon, or not from `since` on."""

    standing: Standing
    since: Instant
    reason: str


class StatusList(ExactRecord):
    """Where all certificates of an issuer stood at one moment. One that is not listed is not known to be good."""

    issuer: str
    log_origin: str | None
    log_size: int | None = Field(default=None, ge=0)
    root_hash: Hex32 | None = None
    """The log the snapshot was taken from; all three are absent when the issuer keeps no log."""
    as_of: Instant
    next_update: Instant
    good: tuple[Listed, ...]
    non_good: tuple[ListedNonGood, ...]

    def find(self, certificate: Digest) -> Listed | None:
        """The line about a certificate, by the digest of its signed file."""
        wanted = certificate.removeprefix("sha256:")
        lines: tuple[Listed, ...] = (*self.non_good, *self.good)
        return next((line for line in lines if line.certificate == wanted), None)


def status_statement(change: StatusChange, certificate: Digest) -> Statement:
    """The statement of a change about the signed certificate with that digest."""
    return statement(change.certificate_id, certificate, LaterStatement.STATUS.predicate_type, change.to_json())


def snapshot(
    lives: Iterable[tuple[Digest, Certificate, CertificateLife]],
    *,
    issuer: str,
    as_of: datetime,
    valid_for: timedelta,
    log: tuple[str, int, bytes] | None = None,
) -> Statement:
    """The snapshot of the given certificates: digest of the signed file, certificate, and where it stands.

    `log` is origin, size and root of the issuer's log. Raises `EvidenceError` for a certificate given twice.
    """
    good: list[Listed] = []
    non_good: list[ListedNonGood] = []
    for envelope, certificate, life in sorted(lives, key=lambda each: each[0]):
        known = {line.certificate for line in (*good, *non_good)}
        if envelope.removeprefix("sha256:") in known:
            raise EvidenceError(Text("is given twice", "重复给出"), certificate.id)
        removed = tuple(item.control for item in certificate.decision.scope if item.control not in life.scope)
        line = Listed(id=certificate.id, certificate=envelope.removeprefix("sha256:"), removed=removed)
        if life.standing == "good":
            good.append(line)
        else:
            non_good.append(
                ListedNonGood(
                    **line.model_dump(),
                    standing=life.standing,
                    since=moment_text(life.since),
                    reason=life.reason or "",
                )
            )
    origin, size, root = log or (None, None, None)
    taken = StatusList(
        issuer=issuer,
        log_origin=origin,
        log_size=size,
        root_hash=None if root is None else root.hex(),
        as_of=moment_text(as_of),
        next_update=moment_text(as_of + valid_for),
        good=tuple(good),
        non_good=tuple(non_good),
    )
    return statement(issuer, taken.own_digest(), LaterStatement.STATUS_LIST.predicate_type, taken.to_json())
