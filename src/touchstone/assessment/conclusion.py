"""From observations to an assessment: the judge's findings, counted and summed up.

Works on records alone, so that recorded evidence can be judged again, against the same profile or another one,
without running a test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from touchstone.records import Access, Assessment, Observation, Plan, Profile, ProfileIdentity, Record, SystemIdentity
from touchstone.standard.judge import conclude, judge
from touchstone.system.subject import Subject


class Circumstances(Record):
    """What a judgement depends on besides plan and observations; part of the evidence."""

    system: SystemIdentity
    access: Access
    facts: dict[str, JsonValue]
    documents: dict[str, tuple[str, ...]]
    """Documents handed in, by control."""
    environment: dict[str, str]


def circumstances_of(subject: Subject, environment: Mapping[str, str]) -> Circumstances:
    """The circumstances of a subject."""
    identity = subject.description.system
    documents: dict[str, list[str]] = {}
    for document in subject.description.documents:
        for control in document.controls:
            documents.setdefault(control, []).append(document.title)
    return Circumstances(
        system=SystemIdentity(
            name=identity.name,
            version=identity.version,
            supplier=identity.supplier.name,
            sector=identity.sector,
            synthetic=identity.synthetic,
            digest=subject.digest,
        ),
        access=subject.access,
        facts=subject.facts,
        documents={control: tuple(titles) for control, titles in sorted(documents.items())},
        environment=dict(environment),
    )


def assessment_of(
    circumstances: Circumstances, profile: Profile, plan: Plan, observations: Sequence[Observation]
) -> Assessment:
    """Judge the observations made under `plan` against `profile`."""
    by_check = {observation.check.id: observation for observation in observations}
    findings = judge(profile, circumstances.facts, plan, by_check, circumstances.documents)
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
