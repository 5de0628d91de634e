"""What can be computed again from the evidence, so that nobody has to believe it was computed right."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from touchstone.canonical import Digest
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.image import Entry
from touchstone.evidence.layout import Role
from touchstone.evidence.statement import Seeds
from touchstone.records import Assessment, Observation, Plan, Profile
from touchstone.standard.titles import cards_by_check
from touchstone.text import Text


def judged_again(bundle: Bundle) -> Assessment:
    """The assessment that follows from the recorded observations, plan, profile and circumstances.

    Runs no test. Raises `EvidenceError` when one of them is missing or not the record it should be, was made on
    another system than the plan's, or names an exhibit that the bundle does not hold.
    """
    from touchstone.assessment.conclusion import Circumstances, assessment_of

    plan = Plan.from_bytes(bundle.read_role(Role.PLAN), Role.PLAN)
    return assessment_of(
        Circumstances.from_bytes(bundle.read_role(Role.CIRCUMSTANCES), Role.CIRCUMSTANCES),
        Profile.from_bytes(bundle.read_role(Role.PROFILE), Role.PROFILE),
        plan,
        [_observation(bundle, entry, plan.system) for entry in bundle.with_role(Role.OBSERVATION)],
        cards_by_check(bundle.read_role(Role.CHECKS), Role.CHECKS),
    )


def registers_end(bundle: Bundle) -> date | None:
    """The day on which the registers end, and as on which they were judged; `None` where none knows a day."""
    from touchstone.assessment.conclusion import Circumstances

    circumstances = Circumstances.from_bytes(bundle.read_role(Role.CIRCUMSTANCES), Role.CIRCUMSTANCES)
    return max(circumstances.register_days.values(), default=None)


def seeds_again(bundle: Bundle, seeds: Seeds) -> bool:
    """Whether the plan waits for the nonce that is stated, and every observation has the seed that follows."""
    from touchstone.assessment.seeds import drawn, seed_of

    plan = Plan.from_bytes(bundle.read_role(Role.PLAN), Role.PLAN)
    if seeds.nonce_from != plan.nonce_from or (seeds.nonce is None) != (plan.nonce_from is None):
        return False
    if (seeds.origin == "derived-from-nonce") != (seeds.nonce is not None):
        return False
    origin = plan.system if seeds.nonce is None else drawn(plan.own_digest(), seeds.nonce)
    observed = [
        Observation.from_bytes(bundle.read(entry.name), entry.name) for entry in bundle.with_role(Role.OBSERVATION)
    ]
    return all(each.seed == seed_of(origin, each.check.id, each.check.version) for each in observed)


def _observation(bundle: Bundle, entry: Entry, system: Digest) -> Observation:
    observation = Observation.from_bytes(bundle.read(entry.name), entry.name)
    if observation.system != system:
        raise EvidenceError(
            Text("was made on another system than the planned one", "测试对象不是计划中的系统"), entry.name
        )
    held = {other.digest for other in bundle.entries}
    for exhibit in observation.exhibits:
        if exhibit.digest not in held:
            raise EvidenceError(
                Text(
                    f"names exhibit {exhibit.name!r}, which is not in the evidence",
                    f"所列物证 {exhibit.name!r} 不在证据中",
                ),
                entry.name,
            )
    return observation


def system_digest(folder: Path) -> Digest:
    """The digest of a system as it lies there now. Raises `UserError` when it cannot be opened."""
    from touchstone.system.subject import open_system

    return open_system(folder).digest
