"""Incident drills made up for a test of the test: everyone told in time, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from touchstone.checks.governance.drill_records import DrillRecords, clocks
from touchstone.checks.register_controls import Plant
from touchstone.standard.obligation_pack import Regime
from touchstone.standard.reporting_duties import ReportingDuty, reporting_duties
from touchstone.system.description import FactValue
from touchstone.system.registers.incident_drills import IncidentDrill, Notification
from touchstone.text import Text

_FRACTION = 0.9
"""Of its clock that a made-up notification takes at most."""


def sound_drills(regimes: Sequence[Regime], generator: np.random.Generator) -> DrillRecords:
    """An operator by lot, and incidents until one starts its shortest clock; everyone is told in time, by somebody."""
    day = max(date.fromisoformat(regime.pack.as_of) for regime in regimes)
    standing = _facts(regimes, {}, generator, events=False)
    shortest = clocks(DrillRecords((), tuple(regimes), standing, day))[0].minutes
    drills: list[IncidentDrill] = []
    started: set[int] = set()
    while shortest not in started:
        facts = _facts(regimes, standing, generator, events=True)
        duties = reporting_duties(regimes, facts, day)
        drills.append(_drill(f"D-{len(drills)}", datetime.combine(day, time(8), UTC), facts, duties, generator))
        started |= {duty.minutes for duty in duties}
    return DrillRecords(tuple(drills), tuple(regimes), {}, day)


def _facts(
    regimes: Sequence[Regime], known: dict[str, FactValue], generator: np.random.Generator, *, events: bool
) -> dict[str, FactValue]:
    """Facts that duties to report ask for, by lot: those of the operator or, with `events`, also of an incident."""
    facts = dict(known)
    for obligation in (each for regime in regimes for each in regime.obligations if each.entry.report is not None):
        while needed := obligation.needs(facts) if events else obligation.needs_now(facts):
            values = obligation.regime.vocabulary.facts[needed[0]].entry.values
            facts[needed[0]] = bool(generator.integers(2)) if values == "bool" else str(generator.choice(values))
    return facts


def _drill(
    name: str,
    noticed: datetime,
    facts: dict[str, FactValue],
    duties: Sequence[ReportingDuty],
    generator: np.random.Generator,
) -> IncidentDrill:
    shortest = min((duty.minutes for duty in duties if duty.minutes), default=1)
    told = {
        duty.recipient: noticed + timedelta(minutes=float(generator.uniform(0, _FRACTION * shortest)))
        for duty in duties
    }
    return IncidentDrill(
        id=name,
        facts=facts,
        detected=noticed,
        notifications=[Notification(to=recipient, owner="owner", at=moment) for recipient, moment in told.items()],
    )


def flawed_drills(sound: DrillRecords, generator: np.random.Generator) -> Iterator[Plant[DrillRecords]]:
    """The same register with one flaw at a time, in a notification by lot of the drill with the shortest clock."""
    *others, drill = sound.drills
    told = drill.notifications
    chosen = int(generator.integers(len(told)))

    def with_drill(**changed: Any) -> DrillRecords:
        return replace(sound, drills=(*others, drill.model_copy(update=changed)))

    def with_told(**changed: Any) -> DrillRecords:
        rest = [*told[:chosen], *told[chosen + 1 :]]
        return with_drill(notifications=[*rest, told[chosen].model_copy(update=changed)])

    years = timedelta(days=3650)
    yield Plant(
        Text("told after its clock ran out", "超过时限方报告"),
        with_told(at=drill.detected + years),
        "drill_minutes_over_shortest_clock",
    )
    yield Plant(Text("never told", "从未报告"), with_told(at=None), "duty-not-met")
    yield Plant(Text("nobody answers for it", "无负责人"), with_told(owner=None), "duty-without-owner")
    yield Plant(Text("another was told instead", "报告了其他对象"), with_told(to="somebody-else"), "told-without-duty")
    yield Plant(
        Text("facts that nobody stated", "未说明的事实"), with_drill(facts={}, notifications=[]), "duty-not-settled"
    )
    yield Plant(
        Text("a value that the fact cannot take", "事实取值有误"),
        with_drill(facts={**drill.facts, next(iter(drill.facts)): "perhaps"}),
        "fact-not-understood",
    )
    name, value = next((name, value) for name, value in drill.facts.items() if isinstance(value, bool))
    yield Plant(
        Text("a fact the description states otherwise", "与系统描述不一致的事实"),
        replace(sound, described={name: not value}),
        "contradicts-description",
    )
    yield Plant(
        Text("the shortest clock was never started", "从未演练最短时限"),
        replace(sound, drills=tuple(others)),
        "shortest-clock-not-drilled",
    )
    yield Plant(
        Text("a name used twice", "编号重复"), replace(sound, drills=(*sound.drills, drill)), "drill-name-twice"
    )
    yield Plant(
        Text("packs that nobody compared with the law", "数据包逾期未核对"),
        replace(sound, day=date(2100, 1, 1)),
        "law-not-compared",
    )
