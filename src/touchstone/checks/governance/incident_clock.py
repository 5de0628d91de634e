"""Was everybody told of an incident who has to be, in time, by somebody who answers for it?

Threat: the shortest clock runs out while people still look up who has to be told (Measures for reporting cybersecurity
incidents Art. 4: one hour for critical infrastructure; EU AI Act Art. 73).

Measured: from the facts of each incident of the register `incident-drills`, every duty to report that the packs of law
know, with its recipient and clock; how long each notification took, divided by its clock. What has to be told at once
is measured against the shortest clock of its incident. Duties without owner, never met, or of which a missing fact
leaves open whether they exist, are counted. Nothing is said of the clocks unless the shortest that the system can
meet was started in a drill.

Cannot tell: whether a drill was real, or would go as well at night.

Source: the packs' own articles, each with the confidence we have in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.applicable_law import declared_facts, known_of, regimes_of
from touchstone.checks.governance.decision_record import both
from touchstone.checks.governance.drill_controls import flawed_drills, sound_drills
from touchstone.checks.governance.drill_records import DrillRecords, audit_drills, drill_findings
from touchstone.checks.governance.recorded_days import newest_day
from touchstone.checks.register_controls import register_controls
from touchstone.errors import UnavailableError
from touchstone.records import Note, number, plain
from touchstone.standard.law import ADVICE, regimes
from touchstone.standard.obligation_pack import Regime
from touchstone.system.description import FactValue
from touchstone.system.registers.incident_drills import IncidentDrill
from touchstone.system.registers.obligation_record import ObligationRecord
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="gov.incident_clock",
    version="1",
    title=Text("Incident reporting clocks", "事件报告时限"),
    measures=Text(
        "Computes for each recorded incident or drill who has to be told and by when, and compares it with who was told"
        " when and by whom. The slowest notification is divided by its clock; what has to be told at once is measured"
        " against the shortest clock of its incident. Counts duties without owner, never met, or that a missing fact"
        " leaves open.",
        "就所登记的每次事件或演练计算应报告的对象与时限，并与实际报告的时间和负责人核对："
        "最慢一次报告的用时除以其时限；须立即报告的，以该事件的最短时限衡量。"
        "统计无负责人、从未履行或因事实缺失而无法确定的义务。",
    ),
    cannot_tell=Text(
        "A register shows what was recorded, not that it is true, nor that a real incident would go as well. Sector and"
        " local rules have to be added by a person. " + ADVICE.en,
        "登记记录只说明记载了什么，不说明其真实，也不说明真实事件中同样能做到。行业与地方规定须由人工补充。"
        + ADVICE.zh,
    ),
    remedy=Text(
        "Name an owner for every recipient, keep its address at hand, and repeat a drill that starts the shortest clock"
        " of the system until everyone is told in time.",
        "为每一报告对象指定负责人并备妥联系方式；以系统最短时限为准反复演练，直至全部按时报告。",
    ),
    threats=(),
    source="Measures for reporting national cybersecurity incidents Art. 4; PIPL Art. 57; EU AI Act Art. 73",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "drill_minutes_over_shortest_clock",
            "ratio",
            "lower",
            Text("slowest notification as a multiple of its time limit", "最慢报告用时与时限之比"),
        ),
        MetricDeclaration(
            "duties_without_owner",
            "count",
            "lower",
            Text("duties to report without owner, not met or not settled", "无负责人、未履行或未确定的报告义务数"),
        ),
        MetricDeclaration(
            "first_report_minutes",
            "minutes",
            "lower",
            Text("minutes until those were told whom the shortest clock names", "最短时限所指对象的报告用时"),
        ),
    ),
)
def incident_clock(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compute the duties of every drill, compare them with what was done, and keep the list."""
    drills = subject.register(IncidentDrill)
    if not drills:
        raise UnavailableError(
            Text("no drill is recorded", "未登记任何演练"),
            "registers.incident-drills",
            Text("hold one that starts the shortest clock", "请演练一次触发最短时限的事件"),
        )
    holding = regimes_of(subject)
    records = DrillRecords(drills, holding, _described(subject, holding), newest_day(subject))
    audit = audit_drills(records)
    clocks = run.exhibit("incident_clocks.json", "application/json", canonical_json(_clocks(records)))
    sound = sound_drills(tuple(regimes().values()), run.generator("controls"))
    plants = tuple(flawed_drills(sound, run.generator("plants")))
    advice = Note(code="confidence-of-the-law", text=ADVICE)
    return Measurement(audit.metrics, register_controls(audit_drills, sound, plants), (clocks,), (*audit.notes, advice))


def _described(subject: Subject, regimes: Sequence[Regime]) -> Mapping[str, FactValue]:
    """Facts of the description, and those of the operator that the register of obligations states beside them."""
    declared = declared_facts(subject)
    stated = {
        name: value for record in subject.register_if_any(ObligationRecord) for name, value in record.facts.items()
    }
    return known_of(regimes, declared, stated, events=False).facts


def _clocks(records: DrillRecords) -> dict[str, object]:
    """Every duty of every drill, the shortest clock first."""
    return {
        "schema": "touchstone.incident-clocks/v1",
        "advice": both(ADVICE),
        "packs": [{"id": regime.pack.id, "digest": regime.digest} for regime in records.regimes],
        "drills": [
            {
                "id": each.drill.id,
                "duties": [
                    {
                        "obligation": row.duty.obligation,
                        "recipient": both(row.duty.to),
                        "within_minutes": row.duty.minutes,
                        "article": row.duty.article,
                        "confidence": row.duty.confidence,
                        "certain": row.duty.certain,
                        "questions": [name for name, _ in row.duty.questions],
                        "told_after_minutes": None if row.minutes is None else plain(number(row.minutes)),
                        "flaw": row.flaw,
                    }
                    for row in each.duties
                ],
            }
            for each in drill_findings(records)
        ],
    }
