"""The frozen records that flow along the route: Plan → Observation → Finding → Assessment.

They flow one way and are plain JSON at every step, so that each step can be run again alone. A record holds no
path, no floating-point number and no text in one language only; what differs between two runs of the same
inputs (times, costs) is kept apart in :class:`Execution`, so that everything else is byte-for-byte reproducible.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)

from touchstone.canonical import Digest, canonical_json, digest_of, parse_json
from touchstone.errors import EvidenceError
from touchstone.text import Text

SIGNIFICANT_DIGITS = 9
"""Digits kept of a measured number: far below sampling error, far above what differs between machines."""
_ROUNDING = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN)


def number(value: Any) -> Decimal:
    """A finite decimal from an integer, float, numpy scalar, string or Decimal, to nine significant digits.

    >>> str(number(0.1 + 0.2))
    '0.3'
    """
    if isinstance(value, bool):
        raise ValueError("a truth value is not a number")  # noqa: TRY004 - pydantic turns it into a field error
    try:
        exact = Decimal(value if isinstance(value, str | int | Decimal) else repr(float(value)))
    except (InvalidOperation, TypeError) as error:
        raise ValueError(f"{str(value)[:40]!r} is not a number") from error
    if exact.is_finite() and exact.adjusted() < -300:
        return Decimal(0)
    if not exact.is_finite() or exact.adjusted() > 300:
        raise ValueError(f"{exact} is not a finite number of ordinary size")
    rounded = exact if isinstance(value, int) else _ROUNDING.plus(exact)
    plain = rounded.normalize()
    return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain


def plain(value: Decimal) -> str:
    """Decimal without exponent, the form numbers take in signed JSON."""
    return format(value, "f")


Number = Annotated[
    Decimal,
    BeforeValidator(number),
    PlainSerializer(plain, return_type=str),
    Field(json_schema_extra={"type": "string"}),
]

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""A plain file name: it becomes part of a path inside the bundle, and a worker may be hostile."""


class Record(BaseModel):
    """Base of all records: frozen, closed to unknown fields, serialised canonically."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value: only objects, arrays, strings, integers, booleans and null."""
        return self.model_dump(mode="json")

    def to_bytes(self) -> bytes:
        """Canonical bytes (RFC 8785)."""
        return canonical_json(self.to_json())

    def own_digest(self) -> Digest:
        """SHA-256 of the canonical bytes: the record's only name. Computed once: a record never changes."""
        return self._digest

    @cached_property
    def _digest(self) -> Digest:
        return digest_of(self.to_bytes())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values, which has a name of its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("_digest", None)
        return copied

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Self:
        """Read a record from outside. Raises `EvidenceError` naming `where` when it is not one."""
        return cls.from_json(parse_json(data, where), where)

    @classmethod
    def from_json(cls, value: Any, where: str) -> Self:
        """Like :meth:`from_bytes`, for JSON that is already parsed."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "(whole)"
            raise EvidenceError(
                Text(
                    f"is not a valid {cls.__name__}: field {field}: {first['msg']}",
                    f"不是有效的 {cls.__name__} 记录：字段 {field}：{first['msg']}",
                ),
                where,
            ) from None


class Access(StrEnum):
    """What the applicant lets the tester see, from least to most."""

    PREDICTIONS = "predictions"
    LABELS = "labels"
    PROBABILITIES = "probabilities"
    ARTEFACT = "artefact"

    def allows(self, needed: Access) -> bool:
        """Whether this access gives at least `needed`."""
        order = list(Access)
        return order.index(self) >= order.index(needed)


class Verdict(StrEnum):
    """Outcome of one control. Only `pass` and `not-applicable` never stand in the way of a certificate."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"
    NOT_TESTED = "not-tested"
    ERROR = "error"


Operator = Literal[">=", "<="]
Bound = Literal["lower", "upper", "point", "exact"]
Budget = Literal["quick", "standard", "full"]


class Note(Record):
    """A remark for people with a stable code for programs."""

    code: str
    text: Text


class Metric(Record):
    """One measured quantity.

    `low` and `high` are *one-sided* bounds, each at `confidence`: the true value is above `low` (below `high`)
    with that confidence. A verdict compares one of them with a limit. They are `None` for exact counts.
    `method` names how they were found (`clopper-pearson`, `bootstrap-percentile`, `exact`, …), `n` the number of
    independent units they rest on, `slice` the part of the data (`sex=F`), or `None` for all of it.
    """

    id: str
    unit: str
    value: Number
    low: Number | None = None
    high: Number | None = None
    confidence: Number = Decimal("0.95")
    method: str = "exact"
    n: int
    better: Literal["higher", "lower"]
    slice: str | None = None


def _absent(value: object) -> bool:
    return value is None


class Tally(Record):
    """How many of how many."""

    found: int
    of: int


class ControlRun(Record):
    """A test of the test: a null control must find nothing, a planted fault must be found."""

    kind: Literal["null", "planted"]
    expected: Text
    seen: Text
    passed: bool
    unlimited: Tally | None = Field(None, exclude_if=_absent)
    """Where an attack ran without any limit on its budget: how many samples it broke."""


class Exhibit(Record):
    """A piece of raw evidence kept beside the observation, named by the digest of its bytes."""

    name: FileName
    media_type: str
    digest: Digest
    size: int


class CheckIdentity(Record):
    """Which test, in which version: results of different versions are never mixed."""

    id: str
    version: str


class Observation(Record):
    """What one check measured on one system. Holds no judgement and nothing that differs between equal runs."""

    check: CheckIdentity
    system: Digest
    parameters: dict[str, JsonValue]
    seed: str
    access: Access
    status: Literal["measured", "error"]
    metrics: tuple[Metric, ...] = ()
    controls: tuple[ControlRun, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    warnings: tuple[Note, ...] = ()
    queries: int = 0
    error: Note | None = None

    @property
    def believed(self) -> bool:
        """Whether every control run behaved: a check that cannot find a planted fault is not believed."""
        return all(control.passed for control in self.controls)


class Isolation(Record):
    """Which walls stood around the worker that ran a check."""

    process: Literal["separate", "same"]
    network: Literal["none", "open"]
    network_by: str
    """What cut the network off; empty when nothing did."""
    new_programs: Literal["denied", "allowed"]
    memory_bytes: int | None
    cpu_seconds: int | None
    wall_seconds: int | None


class Execution(Record):
    """When and at what cost a check ran: the volatile half of an observation."""

    check: CheckIdentity
    started: str
    wall_ms: int
    cpu_ms: int
    peak_memory_bytes: int
    isolation: Isolation


class StoppingLimit(Record):
    """A limit handed to a check only so that it can stop sampling once the answer is clear."""

    metric: str
    op: Operator
    value: Number
    bound: Bound


class PlanItem(Record):
    """One check in the plan: that it runs, or why it cannot."""

    check: CheckIdentity
    controls: tuple[str, ...]
    runs: bool
    reason: Note | None = None
    parameters: dict[str, JsonValue] = {}
    seed: str
    """Empty while nobody can know it."""
    limits: tuple[StoppingLimit, ...] = ()
    estimated_seconds: int = 0
    audit: bool = Field(False, exclude_if=operator.not_)
    """Whether it looks at the run of the others, once they have ended, and not at the system."""


class Plan(Record):
    """What will be tested, fixed before the first result exists."""

    system: Digest
    profile: Digest
    profile_id: str
    edition: str
    budget: Budget
    items: tuple[PlanItem, ...]
    tool: str
    nonce_from: str | None = None
    """Who gives, after this plan was signed, the number from which its seeds follow. Without it they follow from the
    system, and the items hold them already."""


class Basis(Record):
    """Where a limit comes from. `pilot` limits are our own starting values and are printed as such."""

    kind: Literal["law", "standard", "guidance", "literature", "pilot"]
    ref: str | None = None
    at: str | None = None
    note: Text | None = None


class Limit(Record):
    """One number a control demands, and why that number."""

    metric: str
    op: Operator
    value: Number
    unit: str
    bound: Bound
    basis: Basis
    params: dict[str, JsonValue] = {}
    fallback_for: str | None = None
    """Counts only when the named metric of the same control could not be measured."""
    applies_when: str | None = None
    """Asked for only where this condition on the facts holds; `None`: wherever the control applies."""
    power: bool = False
    """Qualifies the test, not the system: a miss means the test is too weak and decides nothing."""


class Condition(Record):
    """A condition that a system may meet where it works, and how it is simulated."""

    title: Text
    faults: dict[str, tuple[tuple[str, int], ...]]
    """For each kind of input, families of corruption with their severities, applied one after the other."""


class CrossReference(Record):
    """Where another document asks for something related. Never a claim of compliance with that document."""

    ref: str
    locator: str
    relation: Literal["eq", "sub", "sup", "int"]
    confidence: Literal["A", "B", "C"]


class Requirement(Record):
    """One control as a profile demands it: text, tests, limits, after all overrides."""

    control: str
    head: str
    title: Text
    what: Text
    severity: Literal["critical", "high", "medium", "low"]
    gate: bool
    required: bool
    """False when the control is mandatory only from a higher assurance level than the profile's."""
    min_level: str
    automation: Literal["full", "part", "none"]
    applies_when: str
    checks: tuple[str, ...]
    evidence: tuple[str, ...]
    """Kinds of documents that are asked for."""
    limits: tuple[Limit, ...]
    report_only: tuple[str, ...] = ()
    """Metrics that are shown but have no defensible limit today."""
    left_out: dict[str, Text] = {}
    """Metrics of the catalog that this profile does not ask for, each with the reason. Always printed."""
    titles: dict[str, Text] = Field({}, exclude_if=operator.not_)
    """What those metrics are called that no check measures: reviewers read them in documents, or nobody does yet."""
    cross_references: tuple[CrossReference, ...] = ()


class Profile(Record):
    """A profile resolved against its catalog: everything needed to judge, in one self-contained record."""

    id: str
    edition: str
    catalog: str
    title: Text
    scope: Text
    level: str
    certificate_months: int
    assumed_facts: dict[str, JsonValue]
    requirements: tuple[Requirement, ...]
    heads: dict[str, Text]
    references: dict[str, Text]
    """Title of every external document that a basis or cross reference names."""
    whole_profile: str | None = None
    whole_title: Text | None = None
    outside_scope: tuple[str, ...] = ()
    """Controls of the sector's whole profile that this one does not contain."""
    questions: dict[str, Text] = {}
    """How to ask for each fact that a condition of this profile mentions."""
    documents: dict[str, Text] = {}
    """Title of every kind of document that a requirement asks for."""
    conditions: dict[str, Condition] = Field({}, exclude_if=operator.not_)
    """Conditions of the sector's operating domain that can be simulated; left out while there are none, so that older
    profiles keep their digest."""


class CheckCard(Record):
    """What a check says about itself, kept in the evidence so that a report needs no installed check."""

    id: str
    version: str
    title: Text
    measures: Text
    cannot_tell: Text
    remedy: Text
    threats: tuple[str, ...]
    source: str
    metrics: dict[str, Text]


class Decision(Record):
    """One metric against one limit: which bound was compared, and how far it was from the limit.

    `margin` is positive on the passing side. `compared` is `None` when the metric was not measured.
    """

    metric: str
    slice: str | None = None
    op: Operator
    limit: Number
    unit: str
    basis: Basis
    bound: Bound
    compared: Number | None = None
    margin: Number | None = None
    outcome: Literal["pass", "fail", "inconclusive", "missing"]


class Finding(Record):
    """The verdict on one control, with its reason and what to do."""

    control: str
    verdict: Verdict
    required: bool
    gate: bool
    severity: Literal["critical", "high", "medium", "low"]
    decisions: tuple[Decision, ...] = ()
    reason: Note
    remedy: Text | None = None
    observations: tuple[Digest, ...] = ()


class Coverage(Record):
    """How many controls of the profile stand where. Cannot be hidden: no verdict is shown without it."""

    tested: int
    attested: int
    not_tested: int
    not_applicable: int
    error: int
    outside_scope: int
    """Controls of the sector's whole profile that this (smaller) profile does not contain."""

    @property
    def total(self) -> int:
        return self.tested + self.attested + self.not_tested + self.not_applicable + self.error


class SystemIdentity(Record):
    """Who and what was tested. The digest binds it to the bytes."""

    name: str
    version: str
    supplier: str
    sector: str
    synthetic: bool
    digest: Digest


class ProfileIdentity(Record):
    """Against what it was tested."""

    id: str
    edition: str
    title: Text
    digest: Digest
    level: str
    whole_profile: str | None = None
    """The sector's whole profile, when this one is a part of it."""


class Assessment(Record):
    """Everything that was concluded about one system against one profile."""

    system: SystemIdentity
    profile: ProfileIdentity
    plan: Digest
    access: Access
    environment: dict[str, str]
    findings: tuple[Finding, ...]
    coverage: Coverage
    verdict: Literal["pass", "fail", "inconclusive"]
    summary: Note
