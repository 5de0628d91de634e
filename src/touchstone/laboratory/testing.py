"""Run the plan: intake first, then every check, then a few of them again. What the journal knows is not run.

The plan is signed and on the log before the first check begins; the journal notes when that was so, and keeps the time
when a killed assessment is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from touchstone.assessment.engine import Event, Finished, Limits, run_in_workers
from touchstone.assessment.intake import INTAKE, intake_item, register_days
from touchstone.assessment.journal import Journal, question_of
from touchstone.assessment.measure import REFUSED, REMEDY
from touchstone.assessment.zygote_process import ZygoteProcess
from touchstone.checks.evaluation.audits.rerun import drawn, rerun
from touchstone.errors import UserError
from touchstone.laboratory.recording import Result
from touchstone.records import Observation, Plan, PlanItem
from touchstone.standard.judge import UNAVAILABLE
from touchstone.system.subject import Subject

JOURNAL: Final = "journal"
_PLAN_LOGGED: Final = "plan logged"


class WrongInputError(UserError):
    """The intake refused what was handed in; nothing was tested."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What the checks of a plan measured, the first time and again, and when the plan was on the log."""

    results: dict[str, Result]
    reruns: dict[str, Observation]
    logged: str | None
    """RFC 3339; `None` when no log holds the plan."""
    register_days: dict[str, date]
    """The newest day in each register."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how the checks of one assessment run."""

    subject: Subject
    folder: Path
    jobs: int
    limits: Limits | None
    zygote: ZygoteProcess
    commit: Callable[[], bool]
    """Signs and logs the plan, if anyone signs, and tells whether a log holds it; a second time changes nothing."""
    watch: Callable[[Event], None]

    def test(self, plan: Plan, signed: Plan, recalled: Callable[[int], None]) -> Tested:
        """Run what the journal does not know yet. `signed` is the plan as it was signed, perhaps without seeds.

        Raises `WrongInputError` when the intake refuses what was handed in.
        """
        items = [item for item in plan.items if item.runs and not item.audit]
        repeated = drawn(signed) if _asks_for_repetition(plan) else ()
        chosen = [item for item in items if item.check.id in repeated]
        with Journal(self.folder / JOURNAL) as journal:
            results = self._known(journal, items, plan, again=False)
            reruns = self._known(journal, chosen, plan, again=True)
            recalled(len(results))
            events = run_in_workers(
                self.subject,
                [item for item in items if item.check.id not in results],
                plan.budget,
                first=intake_item(self.subject),
                again=[item for item in chosen if item.check.id not in reruns],
                jobs=self.jobs,
                limits=self.limits,
                zygote=self.zygote,
            )
            newest: dict[str, date] = {}
            for event in events:
                if event.item.check.id == INTAKE.id:
                    if isinstance(event, Finished):
                        _refuse_wrong_input(event.measured.observation)
                        newest = register_days(event.measured)
                        self._commit(journal)
                    continue
                again = event.item.check.id in results
                if isinstance(event, Finished):
                    question = question_of(self.subject.digest, event.item, plan.budget, plan.tool, again=again)
                    journal.keep(question, event.measured, event.execution)
                    (reruns if again else results)[event.item.check.id] = Result(event.measured, event.execution)
                if not again:
                    self.watch(event)
            second = {check: result.measured.observation for check, result in reruns.items()}
            return Tested(results, second, self._commit(journal), newest)

    def _known(self, journal: Journal, items: Sequence[PlanItem], plan: Plan, *, again: bool) -> dict[str, Result]:
        results: dict[str, Result] = {}
        for item in items:
            known = journal.recall(question_of(self.subject.digest, item, plan.budget, plan.tool, again=again))
            if known is not None:
                results[item.check.id] = Result(*known)
        return results

    def _commit(self, journal: Journal) -> str | None:
        return journal.first_time(_PLAN_LOGGED, datetime.now(UTC)) if self.commit() else None


def _asks_for_repetition(plan: Plan) -> bool:
    """Whether the plan asks for a second run of some checks."""
    return any(item.runs and item.check.id == rerun.id for item in plan.items)


def _refuse_wrong_input(intake: Observation) -> None:
    """Raise what the intake found wrong; a runtime that merely crashed there will be told of by the checks."""
    if intake.error is not None and intake.error.code in {REFUSED, UNAVAILABLE}:
        remedies = [note.text for note in intake.warnings if note.code == REMEDY]
        raise WrongInputError(intake.error.text, remedy=next(iter(remedies), None))
