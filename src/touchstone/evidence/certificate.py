"""The decision: a certificate when the assessment passed, otherwise a refusal that says what stands in the way.

The decision is a pure function of the assessment and the profile, so whoever verifies it makes it again and
compares. It claims what was tested, against which edition of which profile, and never "compliant" or "secure".
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from touchstone.canonical import Digest, digest_of_json
from touchstone.evidence.layout import StatementName
from touchstone.evidence.statement import Statement, statement
from touchstone.records import (
    Assessment,
    Coverage,
    Finding,
    Note,
    Number,
    Operator,
    Profile,
    ProfileIdentity,
    SystemIdentity,
    Verdict,
)
from touchstone.signatures.exact import ExactRecord, Sha256
from touchstone.text import Text

_TIME_FORM = "%Y-%m-%dT%H:%M:%SZ"

Instant = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
"""A moment in UTC, to the second (RFC 3339)."""

STATUS_MAX_AGE_SECONDS = 7 * 24 * 3600
"""How old a status snapshot may be unless the relying party asks for less: one week."""


class Basis(ExactRecord):
    """What the decision rests on."""

    assessment: Sha256
    """Digest of the signed assessment's file."""
    evidence: Sha256
    """Digest of the manifest of the evidence bundle."""


class ScopeItem(ExactRecord):
    """One control and where it stands. Controls that were not tested are listed too: absence is a statement."""

    control: str
    verdict: Verdict
    required: bool


class PilotLimit(ExactRecord):
    """A limit that rests on no published source but on our own starting value."""

    control: str
    metric: str
    op: Operator
    limit: Number
    unit: str


class Obstacle(ExactRecord):
    """A control that stands in the way of a certificate, why, and what to do."""

    control: str
    verdict: Verdict
    reason: Note
    remedy: Text | None


class Validity(ExactRecord):
    """From `not_before` up to, but not including, `not_after`."""

    not_before: Instant
    not_after: Instant


class StatusService(ExactRecord):
    """How fresh a statement about the certificate's status must be."""

    max_age_seconds: int = Field(ge=0)
    """A snapshot older than this says nothing about today."""


class Decision(ExactRecord):
    """What was decided about, by whom, on what: the same for certificate and refusal."""

    issuer: str
    holder: str
    issued: Instant
    synthetic: bool
    """Made of invented data or models: worth nothing outside a demonstration, and shown everywhere."""
    text: Text
    system: SystemIdentity
    profile: ProfileIdentity
    scope: tuple[ScopeItem, ...]
    coverage: Coverage
    outside_scope: tuple[str, ...]
    """Controls of the sector's whole profile that this one does not contain."""
    pilot_limits: tuple[PilotLimit, ...]
    basis: Basis


class Certificate(ExactRecord):
    """This system, by its digest, was tested against this profile, by its digest, and passed."""

    kind: Literal["certificate"] = "certificate"
    id: str
    """From the digest of all the other fields."""
    decision: Decision
    validity: Validity
    status: StatusService


class Refusal(ExactRecord):
    """This system was tested against this profile and gets no certificate."""

    kind: Literal["refusal"] = "refusal"
    id: str
    """From the digest of all the other fields."""
    decision: Decision
    summary: Note
    obstacles: tuple[Obstacle, ...]


def decide(
    assessment: Assessment,
    profile: Profile,
    *,
    assessment_envelope: Digest,
    evidence: Digest,
    holder: str,
    issuer: str,
    issued: datetime,
) -> Statement:
    """The certificate or refusal that follows from an assessment, ready to be signed.

    `assessment_envelope` is the digest of the signed assessment's file, `evidence` that of the bundle's manifest.
    `issued` must know its time zone. Raises `ValueError` when `profile` is not the one of the assessment.
    """
    if profile.own_digest() != assessment.profile.digest:
        raise ValueError("the assessment was made against another profile")
    if issued.tzinfo is None:
        raise ValueError("the time of issue has no time zone")
    issued = issued.astimezone(UTC)
    decision = Decision(
        issuer=issuer,
        holder=holder,
        issued=moment_text(issued),
        synthetic=assessment.system.synthetic,
        text=_text(assessment),
        system=assessment.system,
        profile=assessment.profile,
        scope=tuple(
            ScopeItem(control=finding.control, verdict=finding.verdict, required=finding.required)
            for finding in assessment.findings
        ),
        coverage=assessment.coverage,
        outside_scope=profile.outside_scope,
        pilot_limits=_pilot_limits(assessment),
        basis=Basis(assessment=assessment_envelope, evidence=evidence),
    )
    predicate: Certificate | Refusal
    if assessment.verdict == "pass":
        end = _months_later(issued, profile.certificate_months)
        validity = Validity(not_before=decision.issued, not_after=moment_text(end))
        predicate = Certificate(
            id="",
            decision=decision,
            validity=validity,
            status=StatusService(max_age_seconds=STATUS_MAX_AGE_SECONDS),
        )
    else:
        predicate = Refusal(id="", decision=decision, summary=assessment.summary, obstacles=_obstacles(assessment))
    name = StatementName(predicate.kind)
    numbered = predicate.model_copy(update={"id": _number(predicate)})
    return statement(assessment.system.name, assessment.system.digest, name.predicate_type, numbered.to_json())


def instant(text: str) -> datetime:
    """A stated moment as a time in UTC. Raises `ValueError` for one that no calendar has."""
    return datetime.strptime(text, _TIME_FORM).replace(tzinfo=UTC)


def moment_text(moment: datetime) -> str:
    """A time with a zone, as statements write it: UTC, to the second."""
    return moment.astimezone(UTC).strftime(_TIME_FORM)


def has_own_number(predicate: Certificate | Refusal) -> bool:
    """Whether the id is the one that follows from the other fields."""
    return predicate.id == _number(predicate)


def _number(predicate: Certificate | Refusal) -> str:
    content = predicate.to_json() | {"id": ""}
    prefix = "TC" if predicate.kind == "certificate" else "TR"
    return f"{prefix}-{digest_of_json(content).removeprefix('sha256:')[:16]}"


def _text(assessment: Assessment) -> Text:
    system, profile = assessment.system, assessment.profile
    made_up = Text(" For demonstration only: the system is made up.", "仅供演示：该系统为虚构。")
    return Text(
        f"{system.name} {system.version} was tested against profile {profile.title.en} ({profile.id}), "
        f"edition {profile.edition}." + made_up.en * system.synthetic,
        f"{system.name} {system.version} 已依据档案《{profile.title.zh}》（{profile.id}）{profile.edition} 版测评。"
        + made_up.zh * system.synthetic,
    )


def _pilot_limits(assessment: Assessment) -> tuple[PilotLimit, ...]:
    limits = {
        (finding.control, decision.metric, decision.op, decision.limit, decision.unit)
        for finding in assessment.findings
        for decision in finding.decisions
        if decision.basis.kind == "pilot"
    }
    return tuple(
        PilotLimit(control=control, metric=metric, op=op, limit=limit, unit=unit)
        for control, metric, op, limit, unit in sorted(limits)
    )


def _obstacles(assessment: Assessment) -> tuple[Obstacle, ...]:
    return tuple(
        Obstacle(control=finding.control, verdict=finding.verdict, reason=finding.reason, remedy=finding.remedy)
        for finding in assessment.findings
        if _stands_in_the_way(finding)
    )


def _stands_in_the_way(finding: Finding) -> bool:
    return finding.required and finding.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)


def _months_later(start: datetime, months: int) -> datetime:
    """The same day of a later month, or its last day when it has no such day."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
