"""What goes into an evidence bundle, and how the records come out of it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from touchstone.assessment.conclusion import Circumstances
from touchstone.assessment.disclosure import may_speak_of_persons
from touchstone.assessment.measure import Measured
from touchstone.canonical import Digest, canonical_json
from touchstone.checks.registry import installed_checks
from touchstone.evidence.bundle import Bundle, BundleWriter
from touchstone.evidence.image import Disclosure
from touchstone.evidence.layout import Role
from touchstone.evidence.plan_lock import LOCK, PlanLock
from touchstone.evidence.projections import Source, media_type, project_all
from touchstone.records import Assessment, CheckCard, Execution, Observation, Plan, Profile
from touchstone.standard.titles import cards_by_check
from touchstone.system.model_signing import model_under_test
from touchstone.system.subject import Subject, description_json

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Result:
    """One check's result with the volatile half beside it."""

    measured: Measured
    execution: Execution


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """What audits rest on besides the results."""

    reruns: Mapping[str, Observation]
    """What checks measured the second time, by check."""
    lock: PlanLock | None
    """`None` when nobody signed the plan."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The records of one assessment, as they lie in a bundle."""

    profile: Profile
    plan: Plan
    circumstances: Circumstances
    cards: Mapping[str, CheckCard]
    observations: Mapping[str, Observation]
    executions: Mapping[str, Execution]
    assessment: Assessment


def write_bundle(
    folder: Path,
    subject: Subject,
    profile: Profile,
    plan: Plan,
    circumstances: Circumstances,
    cards: Mapping[str, CheckCard],
    results: Mapping[str, Result],
    assessment: Assessment,
    run: RunEvidence,
) -> Digest:
    """Write everything from which the assessment can be judged again. Returns the manifest's digest."""
    files = [
        {"path": file.path, "size": file.size, "digest": file.digest, "format": file.format} for file in subject.files
    ]
    with BundleWriter(folder) as bundle:
        bundle.add("system.json", JSON, canonical_json(description_json(subject.description)), role=Role.DESCRIPTION)
        bundle.add("files.json", JSON, canonical_json(files), role=Role.FILES)
        model = model_under_test(subject)
        if model is not None:
            bundle.add("model.json", JSON, model, role=Role.MODEL)
        bundle.add("profile.json", JSON, profile.to_bytes(), role=Role.PROFILE)
        bundle.add("plan.json", JSON, plan.to_bytes(), role=Role.PLAN)
        bundle.add("circumstances.json", JSON, circumstances.to_bytes(), role=Role.CIRCUMSTANCES)
        bundle.add("checks.json", JSON, canonical_json([card.to_json() for card in cards.values()]), role=Role.CHECKS)
        bundle.add("assessment.json", JSON, assessment.to_bytes(), role=Role.ASSESSMENT)
        checks = installed_checks()
        for check, result in sorted(results.items()):
            restricted = may_speak_of_persons(subject, checks[check])
            _add_result(bundle, check, result, "restricted" if restricted else "public")
        for check, observation in sorted(run.reruns.items()):
            bundle.add(f"reruns/{check}.json", JSON, observation.to_bytes(), role=Role.RERUN)
        if run.lock is not None:
            bundle.add(LOCK, JSON, run.lock.to_bytes(), role=Role.LOCK, volatile=True)
        source = _source(subject, profile, plan, circumstances, cards, results, assessment)
        for name, content in project_all(source).items():
            bundle.add(name, media_type(name), content, role=Role.PROJECTION, volatile=True)
        return bundle.close()


def _source(
    subject: Subject,
    profile: Profile,
    plan: Plan,
    circumstances: Circumstances,
    cards: Mapping[str, CheckCard],
    results: Mapping[str, Result],
    assessment: Assessment,
) -> Source:
    """The records that are being written, for the documents that follow from them."""
    exhibits: dict[Digest, bytes] = {}
    for result in results.values():
        exhibits |= result.measured.exhibits
    return Source(
        description=subject.description,
        files=subject.files,
        profile=profile,
        plan=plan,
        circumstances=circumstances,
        cards=cards,
        observations={check: result.measured.observation for check, result in results.items()},
        executions={check: result.execution for check, result in results.items()},
        assessment=assessment,
        exhibit=lambda exhibit: exhibits[exhibit.digest],
    )


def _add_result(bundle: BundleWriter, check: str, result: Result, disclosure: Disclosure) -> None:
    observation = result.measured.observation
    bundle.add(f"observations/{check}.json", JSON, observation.to_bytes(), role=Role.OBSERVATION)
    bundle.add(f"executions/{check}.json", JSON, result.execution.to_bytes(), role=Role.EXECUTION, volatile=True)
    for exhibit in observation.exhibits:
        content = result.measured.exhibits[exhibit.digest]
        name = f"exhibits/{check}/{exhibit.name}"
        bundle.add(name, exhibit.media_type, content, role=Role.EXHIBIT, disclosure=disclosure)


def read_recorded(bundle: Bundle) -> Recorded:
    """The records of a bundle. Raises `EvidenceError` when one is missing or is not what it should be."""

    def one(role: Role) -> tuple[bytes, str]:
        entry = bundle.only(role)
        return bundle.read(entry.name), entry.name

    def all_of(role: Role) -> Iterable[tuple[bytes, str]]:
        return ((bundle.read(entry.name), entry.name) for entry in bundle.with_role(role))

    observations = [Observation.from_bytes(data, name) for data, name in all_of(Role.OBSERVATION)]
    executions = [Execution.from_bytes(data, name) for data, name in all_of(Role.EXECUTION)]
    return Recorded(
        profile=Profile.from_bytes(*one(Role.PROFILE)),
        plan=Plan.from_bytes(*one(Role.PLAN)),
        circumstances=Circumstances.from_bytes(*one(Role.CIRCUMSTANCES)),
        cards=cards_by_check(*one(Role.CHECKS)),
        observations={observation.check.id: observation for observation in observations},
        executions={execution.check.id: execution for execution in executions},
        assessment=Assessment.from_bytes(*one(Role.ASSESSMENT)),
    )
