"""What an audit is given: everything that was recorded of one run, and nothing that only the laboratory knows.

The laboratory makes it when the last check has ended, and whoever verifies the evidence makes it again from the bundle.
Whatever needs a key or a file was looked at before: here only the answer stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from touchstone.canonical import Digest
from touchstone.records import Execution, Observation, Plan, PlanItem
from touchstone.standard.reviews import Review


@dataclass(frozen=True, slots=True)
class Lock:
    """What shows that the plan stood before the results."""

    signed: bool
    """Whether the signature of whoever tested covers exactly this plan."""
    tester: Digest
    """Key that signed the plan."""
    decider: Digest
    """Key that will sign the decision."""
    logged: bool | None
    """Whether the log's signed head includes the signed plan; `None` when there is no log."""
    by: datetime | None
    """When the plan was on the log, by the laboratory's clock."""

    @property
    def holds(self) -> bool:
        """Whether others can see that this plan was on a log, and the time is stated."""
        return self.signed and bool(self.logged) and self.by is not None


@dataclass(frozen=True, slots=True)
class ReadReview:
    """A review of a document: what it says, and what became of its signature."""

    review: Review
    signer: Digest | None
    """Key that signed it; `None` when the signature does not fit."""
    stands: bool
    """Whether it counts on the day of the judgement."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a plan. Audits are not part of what they look at."""

    plan: Plan
    observations: Mapping[str, Observation]
    """By check, like `executions` and `reruns`."""
    executions: Mapping[str, Execution]
    reruns: Mapping[str, Observation]
    """What the checks that were drawn for it measured when they ran a second time."""
    exhibits: frozenset[Digest]
    """Digests of the exhibits that are held, each computed from its bytes."""
    lock: Lock | None
    """`None` when nobody signed the plan."""
    reviews: tuple[ReadReview, ...]

    @property
    def items(self) -> tuple[PlanItem, ...]:
        """What was planned for the system, also what could not run."""
        return tuple(item for item in self.plan.items if not item.audit)

    def measured(self) -> Iterator[tuple[PlanItem, Observation]]:
        """Every planned check with an observation."""
        for item in self.items:
            observation = self.observations.get(item.check.id)
            if observation is not None:
                yield item, observation
