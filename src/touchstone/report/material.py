"""Everything a report is made of: the records of one assessment, and the exhibits they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from touchstone.assessment.conclusion import Circumstances
from touchstone.records import Assessment, CheckCard, Execution, Exhibit, Observation, Plan, Profile
from touchstone.report.reach import Reach, reach_of


@dataclass(frozen=True, slots=True)
class Material:
    """The records, keyed by check id where there is one per check."""

    assessment: Assessment
    profile: Profile
    plan: Plan
    circumstances: Circumstances
    cards: Mapping[str, CheckCard]
    observations: Mapping[str, Observation]
    executions: Mapping[str, Execution]
    exhibit: Callable[[Exhibit], bytes | None]
    """Content of an exhibit, verified against its digest; `None` when it is withheld from this copy."""
    evidence: str
    """Digest of the evidence manifest."""
    issued: str
    """Date of the statement, ISO 8601."""

    @property
    def reach(self) -> Reach | None:
        """How far the registers reached on the day of the assessment."""
        return reach_of(self.circumstances.register_days, self.executions.values())
