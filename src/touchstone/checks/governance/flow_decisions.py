"""What the law asks of each flow of data, in the order of the year: persons are counted from 1 January on.

The counters are the exporter's: all flows of a year count together, to whatever recipient, so that splitting them saves
nothing. A flow is decided with everything up to its last day, the other flows of that day included: their order does
not matter. Flows that are exempt whatever the counters say are not counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from touchstone.checks.governance.running_counts import RunningCounts
from touchstone.standard.decision_table import ASK, Decision, Fact
from touchstone.standard.decision_table_pack import LawTable
from touchstone.system.registers.flows import Flow


@dataclass(frozen=True, slots=True)
class Declared:
    """What the description says, for facts that a flow leaves out."""

    cii: bool | None = None
    personal: bool | None = None
    important: bool | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One flow and what was decided about it; without a table for its origin there is nothing to decide with."""

    flow: Flow
    table: LawTable | None
    facts: Mapping[str, Fact]
    decision: Decision | None

    @property
    def outcome(self) -> str:
        """The outcome, `ask` where it is not known."""
        return ASK if self.decision is None else self.decision.outcome

    @property
    def needs(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every outcome that needs a filing, with the kinds of filing it accepts."""
        if self.decision is not None and self.table is not None:
            for outcome in (self.outcome, *self.decision.adds):
                entry = self.table.pack.outcomes.get(outcome)
                if entry is not None and entry.accepts:
                    yield outcome, entry.accepts


def decide_flows(flows: Sequence[Flow], tables: Mapping[str, LawTable], declared: Declared) -> tuple[Decided, ...]:
    """Every flow decided on its last day, in the order of the register."""
    stated = [(flow, tables.get(flow.origin.split("-")[0]), facts_of(flow, declared)) for flow in flows]
    counters = _Counters((flow, table) for flow, table, facts in stated if table and _is_counted(table, facts))
    return tuple(
        Decided(flow, None, facts, None)
        if table is None
        else _decided(flow, table, {**facts, **counters.until(table, flow)})
        for flow, table, facts in stated
    )


def facts_of(flow: Flow, declared: Declared) -> dict[str, Fact]:
    """What is known of a flow without the counters. Where the flow and the description differ, the stricter holds."""
    return {
        "exporter.cii": _stricter(flow.exporter_cii, declared.cii),
        "data.personal": flow.personal if flow.personal is not None else _only_false(declared.personal),
        "data.important": flow.important if flow.important is not None else _only_false(declared.important),
        "origin.foreign_only": flow.foreign_only,
        "purpose": flow.purpose,
        "necessary": flow.necessary,
        "ftz.off_negative_list": flow.off_negative_list,
        "recipient.foreign_authority": flow.foreign_authority,
        "data.kind": flow.kind,
        "hgr.persons": flow.genetic_persons,
    }


def _stricter(stated: bool | None, declared: bool | None) -> bool | None:
    return True if declared else declared if stated is None else stated


def _only_false(declared: bool | None) -> bool | None:
    """That the system holds something does not say that this flow does; that it holds none says so of all."""
    return False if declared is False else None


def _decided(flow: Flow, table: LawTable, facts: Mapping[str, Fact]) -> Decided:
    return Decided(flow, table, facts, table.table.decide(facts))


def _is_counted(table: LawTable, facts: Mapping[str, Fact]) -> bool:
    """Whether a flow adds to the counters: unless every rule that may decide it says otherwise, it does."""
    decision = table.table.decide(facts)
    deciding = {rule.id for rule in (*decision.fired, *decision.open) if not rule.goes_on}
    return not deciding <= table.uncounted


class _Counters:
    """The counters of each table, by year."""

    def __init__(self, counted: Iterable[tuple[Flow, LawTable]]) -> None:
        years: dict[tuple[str, int], list[Flow]] = defaultdict(list)
        for flow, table in counted:
            years[table.pack.id, flow.day.year].append(flow)
        self._years = {year: RunningCounts(flows) for year, flows in years.items()}

    def until(self, table: LawTable, flow: Flow) -> dict[str, Fact]:
        """The counters at the end of the last day of a flow."""
        year = self._years.get((table.pack.id, flow.day.year), RunningCounts(()))
        return dict(zip(("count.persons", "count.sensitive_persons"), year.until(flow.last_day), strict=True))
