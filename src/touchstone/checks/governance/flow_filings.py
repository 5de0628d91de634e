"""Does a filing cover a flow? By kind, window, recipient, kind of data, persons, and what was handed in of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from touchstone.checks.governance.flow_decisions import Decided
from touchstone.checks.governance.running_counts import RunningCounts
from touchstone.methods.calendar import WorkingDays
from touchstone.standard.decision_table import AtLeast
from touchstone.standard.decision_table_pack import LawTable
from touchstone.system.registers.filings import Filing
from touchstone.system.registers.flows import Flow
from touchstone.system.registers.spelling import one_spelling
from touchstone.text import Text


@dataclass(frozen=True)
class Filings:
    """The filings, and how many persons each covers already."""

    by_id: Mapping[str, Filing]
    files: frozenset[str]
    """Files that were handed in with the system."""
    day: date
    """How far the records reach."""
    used: Mapping[tuple[str, int], RunningCounts]
    """Persons of the flows that rest on a filing, by filing and year."""

    def why_uncovered(self, decided: Decided, accepts: Iterable[str]) -> Text | None:
        """Why none of the filings a flow names covers it; `None` when one does."""
        named = [self.by_id[name] for name in decided.flow.filings if name in self.by_id]
        fitting = [filing for filing in named if filing.kind in tuple(accepts)]
        if not fitting or decided.table is None:
            kinds = ", ".join(accepts)
            return Text(f"names no filing of kind {kinds}", f"未列出 {kinds} 类手续")
        reasons = [self._why_not(filing, decided, decided.table) for filing in fitting]
        return None if None in reasons else reasons[0]

    def _why_not(self, filing: Filing, decided: Decided, table: LawTable) -> Text | None:
        flow = decided.flow
        ends = last_valid_day(filing, table)
        if flow.day < filing.valid_from:
            return Text(
                f"began before {filing.id} held ({filing.valid_from})",
                f"早于 {filing.id} 生效日（{filing.valid_from}）",
            )
        if ends is not None and flow.last_day > ends:
            return Text(f"{filing.id} ended on {ends}", f"{filing.id} 已于 {ends} 届满")
        if one_spelling(flow.recipient) not in {one_spelling(each) for each in filing.recipients}:
            return Text(f"{filing.id} does not cover the recipient", f"{filing.id} 未覆盖该接收方")
        if flow.kind not in filing.kinds:
            return Text(f"{filing.id} does not cover {flow.kind}", f"{filing.id} 未覆盖 {flow.kind} 类数据")
        if filing.receipt is not None and filing.receipt not in self.files:
            return Text(f"the receipt of {filing.id} was not handed in", f"{filing.id} 的回执未提交")
        return self._too_many(filing, flow) or self._not_filed(filing, flow, table)

    def _too_many(self, filing: Filing, flow: Flow) -> Text | None:
        counts = self.used[filing.id, flow.day.year].until(flow.last_day)
        for number, most in zip(counts, (filing.persons, filing.sensitive_persons), strict=True):
            if most is not None and isinstance(number, AtLeast):
                return Text(
                    f"{filing.id} covers {most} persons a year, and it is not stated how many rest on it",
                    f"{filing.id} 每年覆盖 {most} 人，但未说明依据它的人数",
                )
            if most is not None and isinstance(number, int) and number > most:
                return Text(
                    f"{filing.id} covers {most} persons a year, and {number} rest on it",
                    f"{filing.id} 每年覆盖 {most} 人，而依据它的有 {number} 人",
                )
        return None

    def _not_filed(self, filing: Filing, flow: Flow, table: LawTable) -> Text | None:
        """The law gives some working days to file; between their end and a late filing there is no basis."""
        within = table.pack.filings[filing.kind].file_within_working_days
        if within is None:
            return None

        def in_time(day: date) -> bool:
            return WorkingDays().between(filing.valid_from, day) <= within

        if filing.filed is None and in_time(self.day):
            return None
        if filing.filed is not None and (in_time(filing.filed) or in_time(flow.last_day) or filing.filed <= flow.day):
            return None
        return Text(
            f"{filing.id} was not filed within {within} working days", f"{filing.id} 未在 {within} 个工作日内备案"
        )


def last_valid_day(filing: Filing, table: LawTable) -> date | None:
    """The last day a filing holds: never longer than the law gives it, whatever the register says."""
    years = table.pack.filings[filing.kind].years
    if years is None:
        return filing.valid_until
    start = filing.valid_from
    leap = (start.month, start.day) == (2, 29)
    lawful = date(min(start.year + years, date.max.year), start.month, 28 if leap else start.day)
    return lawful if filing.valid_until is None else min(lawful, filing.valid_until)


def persons_by_filing(decided: Iterable[Decided]) -> dict[tuple[str, int], RunningCounts]:
    """Persons of the flows that need a filing, by each filing they name and by year."""
    resting: dict[tuple[str, int], list[Flow]] = defaultdict(list)
    for each in decided:
        if next(each.needs, None) is not None:
            for name in dict.fromkeys(each.flow.filings):
                resting[name, each.flow.day.year].append(each.flow)
    return {key: RunningCounts(flows) for key, flows in resting.items()}
