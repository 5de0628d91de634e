"""Was everything filed that the obligations which apply ask for, in time, and does it still hold?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from touchstone.methods.calendar import WorkingDays, months_between
from touchstone.standard.obligation_pack import FilingEntry, Obligation
from touchstone.standard.obligations import Applicable
from touchstone.system.registers.obligation_record import ObligationFiling, ObligationRecord
from touchstone.text import Text

MONTHS_OF_A_YEAR = 12


@dataclass(frozen=True)
class FilingFinding:
    """One filing that is or was due, and what is wrong with it."""

    obligation: Obligation
    working_days: int | None
    """From the day the duty arose to the day it was filed, or to the end of the records."""
    overdue: bool = False
    flaw: str | None = None
    why: Text | None = None


def filing_findings(record: ObligationRecord, found: Applicable, day: date) -> tuple[FilingFinding, ...]:
    """For each obligation with a filing: every entry that was not filed, and the newest one that was."""
    judge = _Judge(WorkingDays.of(record.holidays, record.worked_weekends), day)
    return tuple(
        finding
        for obligation in found.applying
        if obligation.entry.filing is not None
        for finding in judge.judged(
            obligation,
            obligation.entry.filing,
            [entry for entry in record.filings if entry.obligation == obligation.id],
        )
    )


@dataclass(frozen=True)
class _Judge:
    calendar: WorkingDays
    day: date

    def judged(
        self, obligation: Obligation, wanted: FilingEntry, entries: list[ObligationFiling]
    ) -> Iterator[FilingFinding]:
        if not entries:
            yield FilingFinding(obligation, None, True, "filing-missing", Text("nothing was filed", "未见任何备案"))
        filed = [(entry.filed, entry) for entry in entries if entry.filed is not None and entry.filed <= self.day]
        done = [entry for _, entry in filed]
        for entry in entries:
            if entry not in done:
                yield self._not_filed(obligation, wanted, entry)
        if filed:
            yield self._filed(obligation, wanted, *max(filed, key=lambda item: item[0]))

    def _not_filed(self, obligation: Obligation, wanted: FilingEntry, entry: ObligationFiling) -> FilingFinding:
        took = self.calendar.between(entry.arose, self.day)
        if entry.arose > self.day:
            why = Text(f"is said to arise only on {entry.arose}", f"登记称义务自 {entry.arose} 起才产生")
            return FilingFinding(obligation, None, False, "filing-to-come", why)
        yearly = wanted.yearly and months_between(entry.arose, self.day) > MONTHS_OF_A_YEAR
        if not (yearly or self._late(wanted, entry, self.day)):
            return FilingFinding(obligation, took)
        why = Text(f"{took} working days, not filed", f"已逾 {took} 个工作日，尚未办理")
        return FilingFinding(obligation, took, True, "filing-overdue", why)

    def _filed(
        self, obligation: Obligation, wanted: FilingEntry, filed: date, entry: ObligationFiling
    ) -> FilingFinding:
        took = self.calendar.between(entry.arose, filed)
        if entry.valid_until is not None and entry.valid_until < self.day:
            why = Text(f"ended on {entry.valid_until}", f"已于 {entry.valid_until} 届满")
            return FilingFinding(obligation, took, True, "filing-ended", why)
        if wanted.yearly and months_between(filed, self.day) > MONTHS_OF_A_YEAR:
            why = Text(f"last filed on {filed}", f"最近一次办理为 {filed}")
            return FilingFinding(obligation, took, True, "filing-overdue", why)
        if self._late(wanted, entry, filed):
            why = Text(f"filed after {took} working days", f"{took} 个工作日后方办理")
            return FilingFinding(obligation, took, False, "filing-late", why)
        return FilingFinding(obligation, took)

    def _late(self, wanted: FilingEntry, entry: ObligationFiling, done: date) -> bool:
        """Whether that day lies beyond the clock of the law or the day an authority set."""
        within = wanted.within_working_days
        beyond = within is not None and self.calendar.between(entry.arose, done) > within
        return beyond or (entry.due is not None and done > entry.due)
