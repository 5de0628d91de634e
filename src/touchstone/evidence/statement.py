"""Signed claims as in-toto Statements (v1): a subject named by its digest, and a typed predicate about it."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, JsonValue

from touchstone.canonical import Digest
from touchstone.evidence.layout import StatementName
from touchstone.records import Assessment, Note, Plan, Verdict
from touchstone.signatures.dsse import STATEMENT_TYPE
from touchstone.signatures.exact import ExactRecord, Hex32, Sha256


class DigestSet(ExactRecord):
    """Digests of one thing by algorithm, as in-toto writes them."""

    sha256: Hex32


class ResourceDescriptor(ExactRecord):
    """What a statement is about."""

    name: str
    digest: DigestSet


class Statement(ExactRecord):
    """One claim about one subject."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(STATEMENT_TYPE, alias="_type")
    subject: tuple[ResourceDescriptor] = Field(min_length=1, max_length=1)
    predicate_type: str
    predicate: dict[str, JsonValue]

    @property
    def subject_digest(self) -> Digest:
        """Digest of the subject, with its algorithm named."""
        return f"sha256:{self.subject[0].digest.sha256}"


class PlanPredicate(ExactRecord):
    """What will be tested, fixed before the first result exists."""

    plan: Plan


class NotTested(ExactRecord):
    """A control that was not tested, and why."""

    control: str
    required: bool
    reason: Note


class Seeds(ExactRecord):
    """Where the randomness of the tests came from."""

    origin: Literal["derived-from-system", "derived-from-nonce"]
    nonce_from: str | None = None
    nonce: str | None = None


FROM_SYSTEM: Final = Seeds(origin="derived-from-system")
"""The supplier could vary the system until the tests go well."""


def seeds_from(nonce_from: str, nonce: str) -> Seeds:
    """Seeds that follow from the plan and a nonce given after it was signed."""
    return Seeds(origin="derived-from-nonce", nonce_from=nonce_from, nonce=nonce)


class AssessmentPredicate(ExactRecord):
    """What was concluded, what was left out, and the evidence it was concluded from."""

    assessment: Assessment
    not_tested: tuple[NotTested, ...]
    """Every control of the profile without a test, drawn from the findings: absence is a statement too."""
    seeds: Seeds
    evidence: Sha256
    """Digest of the bundle's manifest."""
    reproducible: Sha256
    """Digest of the part of the manifest that another run of the same inputs must reproduce."""


def statement(subject_name: str, subject_digest: Digest, predicate_type: str, predicate: dict[str, Any]) -> Statement:
    """A statement about one subject. `predicate` is plain JSON without floats."""
    return Statement(
        subject=(
            ResourceDescriptor(name=subject_name, digest=DigestSet(sha256=subject_digest.removeprefix("sha256:"))),
        ),
        predicate_type=predicate_type,
        predicate=predicate,
    )


def plan_statement(system_name: str, plan: Plan) -> Statement:
    """The statement to sign and log before testing begins."""
    predicate = PlanPredicate(plan=plan)
    return statement(system_name, plan.system, StatementName.PLAN.predicate_type, predicate.to_json())


def assessment_statement(
    assessment: Assessment, *, evidence: Digest, reproducible: Digest, seeds: Seeds = FROM_SYSTEM
) -> Statement:
    """The statement that binds an assessment to the manifest of its evidence."""
    predicate = AssessmentPredicate(
        assessment=assessment,
        not_tested=_not_tested(assessment),
        seeds=seeds,
        evidence=evidence,
        reproducible=reproducible,
    )
    system = assessment.system
    return statement(system.name, system.digest, StatementName.ASSESSMENT.predicate_type, predicate.to_json())


def _not_tested(assessment: Assessment) -> tuple[NotTested, ...]:
    return tuple(
        NotTested(control=finding.control, required=finding.required, reason=finding.reason)
        for finding in assessment.findings
        if finding.verdict is Verdict.NOT_TESTED
    )
