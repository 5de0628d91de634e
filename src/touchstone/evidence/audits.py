"""The record of a run out of a bundle, and the audits of it made once more: offline, without the system."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from touchstone.assessment.conclusion import Circumstances
from touchstone.canonical import Digest
from touchstone.checks.registry import own_audits
from touchstone.checks.run_record import ReadReview, RunRecord
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.layout import Role
from touchstone.evidence.plan_lock import PlanLock
from touchstone.records import Execution, Observation, Plan
from touchstone.standard.reviews import SignedReview, latest


@dataclass(frozen=True, slots=True)
class AuditedAgain:
    """One recorded audit, and whether it follows from what the bundle holds."""

    check: str
    entry: str
    """Name of the observation in the bundle."""
    follows: bool | None
    """`None` when the audit is not installed here in this version."""


def run_record(
    plan: Plan,
    circumstances: Circumstances,
    *,
    observations: Mapping[str, Observation],
    executions: Mapping[str, Execution],
    reruns: Mapping[str, Observation],
    exhibits: Collection[Digest],
    lock: PlanLock | None,
) -> RunRecord:
    """What audits are given: the same for the laboratory that ran the plan and for whoever reads the bundle.

    Observations and executions of audits are left out; so is a repetition of something else than the first run.
    """
    tested = {item.check.id for item in plan.items if not item.audit}
    first = {check: each for check, each in observations.items() if check in tested}
    return RunRecord(
        plan=plan,
        observations=first,
        executions={check: each for check, each in executions.items() if check in tested},
        reruns={check: each for check, each in reruns.items() if check in first and _repeats(first[check], each)},
        exhibits=frozenset(exhibits),
        lock=None if lock is None else lock.examined(plan),
        reviews=tuple(_read(circumstances)),
    )


def record_of(bundle: Bundle) -> RunRecord:
    """The record of the run that a bundle holds. Raises `EvidenceError` when a part is not what it should be."""

    def all_of(role: Role) -> Iterator[tuple[bytes, str]]:
        return ((bundle.read(entry.name), entry.name) for entry in bundle.with_role(role))

    observations = [Observation.from_bytes(data, name) for data, name in all_of(Role.OBSERVATION)]
    executions = [Execution.from_bytes(data, name) for data, name in all_of(Role.EXECUTION)]
    reruns = [Observation.from_bytes(data, name) for data, name in all_of(Role.RERUN)]
    locks = [PlanLock.from_bytes(data, name) for data, name in all_of(Role.LOCK)]
    return run_record(
        Plan.from_bytes(bundle.read_role(Role.PLAN), Role.PLAN),
        Circumstances.from_bytes(bundle.read_role(Role.CIRCUMSTANCES), Role.CIRCUMSTANCES),
        observations={each.check.id: each for each in observations},
        executions={each.check.id: each for each in executions},
        reruns={each.check.id: each for each in reruns},
        exhibits={entry.digest for entry in bundle.with_role(Role.EXHIBIT)},
        lock=locks[0] if locks else None,
    )


def audits_again(bundle: Bundle) -> list[AuditedAgain]:
    """Every audit that the bundle records, made once more from what the bundle holds, and compared byte for byte."""
    from touchstone.assessment.measure import audit

    plan = Plan.from_bytes(bundle.read_role(Role.PLAN), Role.PLAN)
    planned = {item.check.id: item for item in plan.items if item.audit or item.check.id in own_audits()}
    entries = bundle.with_role(Role.OBSERVATION)
    observed = [(entry.name, Observation.from_bytes(bundle.read(entry.name), entry.name)) for entry in entries]
    recorded = [(name, observation) for name, observation in observed if observation.check.id in planned]
    if not recorded:
        return []
    record = record_of(bundle)
    access = Circumstances.from_bytes(bundle.read_role(Role.CIRCUMSTANCES), Role.CIRCUMSTANCES).access
    found = []
    for name, observation in recorded:
        check, follows = own_audits().get(observation.check.id), None
        if check is not None and check.version == observation.check.version:
            item = planned[check.id].model_copy(update={"seed": observation.seed})
            follows = audit(check, record, access, item).observation == observation
        found.append(AuditedAgain(observation.check.id, name, follows))
    return found


def _repeats(first: Observation, second: Observation) -> bool:
    """Whether the second run asked the same question as the first."""
    return (first.check, first.system, first.parameters, first.seed) == (
        second.check,
        second.system,
        second.parameters,
        second.seed,
    )


def _read(circumstances: Circumstances) -> Iterator[ReadReview]:
    day = circumstances.judged_on
    last = {review.own_digest() for review in latest(each.review for each in circumstances.reviews)}
    for signed in circumstances.reviews:
        review = signed.review
        stands = day is not None and review.stands(day) and review.own_digest() in last
        yield ReadReview(review=review, signer=_signer(signed), stands=stands)


def _signer(signed: SignedReview) -> Digest | None:
    try:
        return signed.signer(signed.review.title).id
    except EvidenceError:
        return None
