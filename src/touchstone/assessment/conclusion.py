"""From observations to an assessment: the judge's findings, counted and summed up.

Works on records alone, so that recorded evidence can be judged again, against the same profile or another one,
without running a test.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import Field, JsonValue

from touchstone.canonical import Digest
from touchstone.records import (
    Access,
    Assessment,
    CheckCard,
    Observation,
    Plan,
    Profile,
    ProfileIdentity,
    Record,
    SystemIdentity,
)
from touchstone.standard.judge import conclude, judge
from touchstone.standard.reviews import Review, SignedReview, latest
from touchstone.system.shown_facts import facts_of

if TYPE_CHECKING:
    from touchstone.system.description import SystemDescription
    from touchstone.system.subject import Subject


def _absent(value: object) -> bool:
    return value is None


class Circumstances(Record):
    """What a judgement depends on besides plan and observations; part of the evidence."""

    system: SystemIdentity
    access: Access
    facts: dict[str, JsonValue]
    documents: dict[str, tuple[str, ...]]
    """Documents handed in, by control."""
    environment: dict[str, str]
    reviews: tuple[SignedReview, ...] = Field((), exclude_if=operator.not_)
    """What reviewers found in the documents; left out while there are none, so that older evidence keeps its digest."""
    judged_on: date | None = Field(None, exclude_if=_absent)
    """The day on which reviews have to stand; given where there are any."""
    register_days: dict[str, date] = Field({}, exclude_if=operator.not_)
    """By register, the newest day on which it says that something happened: what the checks took for today is the
    newest of all. Left out while no register says any."""

    def standing_reviews(self) -> list[Review]:
        """The reviews that count, each signature checked. Raises `EvidenceError` for one that nobody signed."""
        for position, signed in enumerate(self.reviews):
            signed.signer(f"circumstances.json: reviews[{position}]")
        day = self.judged_on
        if day is None:
            return []
        return [review for review in latest(each.review for each in self.reviews) if review.stands(day)]


def circumstances_of(
    subject: Subject,
    environment: Mapping[str, str],
    register_days: Mapping[str, date],
    reviews: Sequence[SignedReview] = (),
    day: date | None = None,
) -> Circumstances:
    """The circumstances of a subject; `reviews` of its documents have to stand on `day`."""
    return Circumstances(
        **described(subject.description, subject.digest),
        environment=dict(environment),
        reviews=tuple(sorted(reviews, key=Record.own_digest)),
        judged_on=day if reviews else None,
        register_days=dict(sorted(register_days.items())),
    )


def described(description: SystemDescription, digest: Digest) -> dict[str, Any]:
    """The fields of the circumstances that follow from the description of the system with that digest."""
    identity = description.system
    documents: dict[str, list[str]] = {}
    for document in description.documents:
        for control in document.controls:
            documents.setdefault(control, []).append(document.title)
    return {
        "system": SystemIdentity(
            name=identity.name,
            version=identity.version,
            supplier=identity.supplier.name,
            sector=identity.sector,
            synthetic=identity.synthetic,
            digest=digest,
        ),
        "access": description.model.access,
        "facts": facts_of(description),
        "documents": {control: tuple(titles) for control, titles in sorted(documents.items())},
    }


def assessment_of(
    circumstances: Circumstances,
    profile: Profile,
    plan: Plan,
    observations: Sequence[Observation],
    cards: Mapping[str, CheckCard],
) -> Assessment:
    """Judge the observations made under `plan` against `profile`, in the words of the checks' `cards`."""
    by_check = {observation.check.id: observation for observation in observations}
    reviews = circumstances.standing_reviews()
    findings = judge(profile, circumstances.facts, plan, by_check, circumstances.documents, cards, reviews)
    coverage, verdict, summary = conclude(profile, findings)
    return Assessment(
        system=circumstances.system,
        profile=ProfileIdentity(
            id=profile.id,
            edition=profile.edition,
            title=profile.title,
            digest=profile.own_digest(),
            level=profile.level,
            whole_profile=profile.whole_profile,
        ),
        plan=plan.own_digest(),
        access=circumstances.access,
        environment=circumstances.environment,
        findings=findings,
        coverage=coverage,
        verdict=verdict,
        summary=summary,
    )
