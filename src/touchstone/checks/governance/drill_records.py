"""What the register of incident drills shows: each duty the facts triggered, who answers for it, how fast it was."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from touchstone.checks.governance.applicable_law import KnownFacts, known_of
from touchstone.checks.governance.cross_border_records import stale_text
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.records import Metric
from touchstone.standard.obligation_pack import Regime
from touchstone.standard.reporting_duties import ReportingDuty, reporting_duties
from touchstone.system.description import FactValue
from touchstone.system.registers.incident_drills import IncidentDrill, Notification
from touchstone.text import Text

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class DrillRecords:
    """The register, and what it is compared with."""

    drills: tuple[IncidentDrill, ...]
    regimes: tuple[Regime, ...]
    described: Mapping[str, FactValue]
    """Facts of the description, and of the register of obligations where there is one."""
    day: date
    """How far the records reach."""


@dataclass(frozen=True)
class DutyFinding:
    """One duty of one drill, and how it was met."""

    duty: ReportingDuty
    minutes: float | None
    """From noticing to telling; `None` where nobody was told."""
    clock: int | None
    """Minutes it is measured against: its own or, for what has to be told at once, the shortest of the drill."""
    flaw: str | None


@dataclass(frozen=True)
class DrillFinding:
    """One drill."""

    drill: IncidentDrill
    known: KnownFacts
    duties: tuple[DutyFinding, ...]


def drill_findings(records: DrillRecords) -> tuple[DrillFinding, ...]:
    """Every drill with the duties its facts trigger, in the order of the register."""
    return tuple(_drill(drill, records) for drill in records.drills)


def standing_facts(records: DrillRecords) -> dict[str, FactValue]:
    """What holds whatever happens: facts described, and those on which all drills that state them agree."""
    events = {name for regime in records.regimes for name, fact in regime.pack.facts.items() if fact.event}
    stated: dict[str, list[FactValue]] = {}
    for drill in records.drills:
        known = known_of(records.regimes, records.described, drill.facts, events=False)
        for name in drill.facts.keys() & known.facts.keys() - events:
            stated.setdefault(name, []).append(known.facts[name])
    agreed = {name: values[0] for name, values in stated.items() if all(value == values[0] for value in values)}
    return {**agreed, **records.described}


def clocks(records: DrillRecords) -> tuple[ReportingDuty, ...]:
    """Every duty with a clock that an incident of this system may start, the shortest first."""
    duties = reporting_duties(records.regimes, standing_facts(records), records.day)
    return tuple(duty for duty in duties if duty.minutes)


def audit_drills(records: DrillRecords) -> Audit:
    """Duties without owner or never met, and the slowest notification against its clock."""
    found, remarks = drill_findings(records), Remarks()
    for each in found:
        _remark(each, remarks)
    names = Counter(drill.id for drill in records.drills)
    for name in [name for name, times in names.items() if times > 1]:
        remarks.add("drill-name-twice", name, Text("is the name of several drills", "编号重复"))
    for regime in records.regimes:
        if regime.stale(records.day):
            remarks.say("law-not-compared", stale_text(regime.pack.title.text, regime.pack.recheck_by))
    running = clocks(records)
    exercised = [each for each in found if running and _shortest(each) <= running[0].minutes]
    if not exercised:
        remarks.say("shortest-clock-not-drilled", _not_drilled(running))
    return Audit((*_metrics(found, exercised),), remarks.notes())


def _drill(drill: IncidentDrill, records: DrillRecords) -> DrillFinding:
    known = known_of(records.regimes, records.described, drill.facts, events=True)
    duties = reporting_duties(records.regimes, known.facts, drill.detected.date())
    shortest = min((duty.minutes for duty in duties if duty.minutes), default=None)
    return DrillFinding(drill, known, tuple(_duty(duty, drill, shortest) for duty in duties))


def _duty(duty: ReportingDuty, drill: IncidentDrill, shortest: int | None) -> DutyFinding:
    """A duty is met by the first notification of its recipient, and somebody has to answer for one of them."""
    told = [each for each in drill.notifications if each.to == duty.recipient and each.at is not None]
    owned = any(each.owner is not None for each in drill.notifications if each.to == duty.recipient)
    minutes = min((_minutes(drill, each) for each in told), default=None)
    if minutes is None:
        flaw: str | None = "duty-not-met" if duty.certain else "duty-not-settled"
    else:
        flaw = None if owned else "duty-without-owner"
    return DutyFinding(duty, minutes, duty.minutes or shortest, flaw)


def _minutes(drill: IncidentDrill, notification: Notification) -> float:
    return 0.0 if notification.at is None else (notification.at - drill.detected) / _MINUTE


def _remark(found: DrillFinding, remarks: Remarks) -> None:
    drill = found.drill
    for row in found.duties:
        duty = row.duty
        who = Text(
            f"{duty.to.en} ({duty.source.en}, {duty.confidence})",
            f"{duty.to.zh}（{duty.source.zh}，{duty.confidence}）",
        )
        if row.flaw == "duty-not-met":
            remarks.add(row.flaw, drill.id, Text(f"{who.en} was not told", f"未报告{who.zh}"))
        elif row.flaw == "duty-without-owner":
            remarks.add(row.flaw, drill.id, Text(f"nobody answers for telling {who.en}", f"报告{who.zh}无负责人"))
        elif row.flaw == "duty-not-settled":
            asked = duty.questions[0]
            remarks.add(
                row.flaw,
                drill.id,
                Text(
                    f"{who.en} may have to be told; {asked[0]}: {asked[1].en}",
                    f"可能须报告{who.zh}；{asked[0]}：{asked[1].zh}",
                ),
            )
        if row.minutes is not None and row.clock is not None and row.minutes > row.clock:
            remarks.add(
                "told-late",
                drill.id,
                Text(
                    f"{who.en} was told after {row.minutes:.0f} minutes, {row.clock} are allowed",
                    f"报告{who.zh}用时 {row.minutes:.0f} 分钟，时限 {row.clock} 分钟",
                ),
            )
    recipients = {row.duty.recipient for row in found.duties}
    for each in drill.notifications:
        if each.to not in recipients:
            remarks.add("told-without-duty", drill.id, Text(f"no duty names {each.to}", f"没有义务要求报告 {each.to}"))
    for name, why in found.known.problems:
        remarks.add("fact-not-understood", drill.id, Text(f"{name} {why.en}", f"{name}：{why.zh}"))
    for name in found.known.contradicted:
        remarks.add(
            "contradicts-description",
            drill.id,
            Text(
                f"{name} is stated otherwise elsewhere, and that stands",
                f"{name} 与系统描述或义务登记不一致，以后者为准",
            ),
        )


def _shortest(found: DrillFinding) -> float:
    """The shortest clock that a drill started; endless where it started none."""
    return min((row.duty.minutes for row in found.duties if row.duty.minutes), default=math.inf)


def _not_drilled(running: Sequence[ReportingDuty]) -> Text:
    if not running:
        return Text("no duty with a clock can arise; ask a person", "没有带时限的报告义务，请人工核实")
    shortest = running[0]
    return Text(
        f"no drill started the shortest clock: {shortest.to.en}, {shortest.minutes} minutes ({shortest.source.en})",
        f"没有演练触发最短时限：{shortest.to.zh}，{shortest.minutes} 分钟（{shortest.source.zh}）",
    )


def _metrics(found: Sequence[DrillFinding], exercised: Sequence[DrillFinding]) -> Iterator[Metric]:
    """Nothing is said of clocks while the shortest was never started: `exercised` are the drills that did."""
    rows = [row for each in found for row in each.duties]
    flawed = sum(row.flaw is not None for row in rows)
    yield Metric(id="duties_without_owner", unit="count", value=flawed, n=len(rows), better="lower")
    timed = [(row.minutes, row.clock) for row in rows if row.minutes is not None and row.clock is not None]
    if timed and exercised:
        slowest = max(minutes / clock for minutes, clock in timed)
        yield Metric(id="drill_minutes_over_shortest_clock", unit="ratio", value=slowest, n=len(timed), better="lower")
    driving = [row for each in exercised for row in each.duties if row.duty.minutes == _shortest(each)]
    told = [row.minutes for row in driving if row.minutes is not None]
    if told and len(told) == len(driving):
        yield Metric(id="first_report_minutes", unit="minutes", value=max(told), n=len(told), better="lower")
