"""Surveillance made up for a test of the test: everything in order, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from touchstone.checks.governance.recorded_state import PresentState
from touchstone.checks.governance.surveillance_records import SurveillanceRecords
from touchstone.checks.register_controls import Plant
from touchstone.system.registers.surveillance import Retirement, Signal, SurveillancePlan
from touchstone.system.registers.surveillance_reports import Reaction, SurveillanceReport
from touchstone.text import Text

START = date(2025, 1, 1)
EVERY = 90
STATE = PresentState("2", {"model": "sha256:" + "0" * 64}, ("model",))


def sound_surveillance(generator: np.random.Generator) -> SurveillanceRecords:
    """Six reports, each of both signals and in time; once the first leaves its range and is suspended for it."""
    signals = [
        Signal(name="accuracy", what="on new cases", every_days=EVERY, low=0.9, suspends=True, react_days=5),
        Signal(name="complaints", what="in a month", every_days=EVERY, high=10, react_days=5),
    ]
    plan = SurveillancePlan(
        as_of=START, since=START, signals=signals, retirement=Retirement(model="deleted", data="deleted", by="owner")
    )
    day, reports = START, []
    bad = int(generator.integers(1, 5))
    for number in range(6):
        day += timedelta(days=int(generator.integers(30, EVERY)))
        reaction = Reaction(at=day + timedelta(days=2), what="suspended", by="director", reason="too low")
        reports.append(
            SurveillanceReport(
                id=f"S-{number}",
                at=day,
                state=STATE.as_recorded(),
                by="engineer",
                values={
                    "accuracy": float(generator.uniform(0.7, 0.85) if number == bad else generator.uniform(0.92, 1)),
                    "complaints": float(generator.integers(10)),
                },
                reaction=reaction if number == bad else None,
            )
        )
    return SurveillanceRecords(plan, tuple(reports), STATE, day + timedelta(days=10))


def flawed_surveillance(sound: SurveillanceRecords) -> Iterator[Plant[SurveillanceRecords]]:
    """The same surveillance with one flaw at a time."""
    [chosen] = [number for number, report in enumerate(sound.reports) if report.reaction is not None]
    report, reaction = sound.reports[chosen], sound.reports[chosen].reaction
    others = sound.reports[:chosen] + sound.reports[chosen + 1 :]
    last = sound.reports[-1]

    def reported(**changed: Any) -> SurveillanceRecords:
        return replace(sound, reports=(*others, report.model_copy(update=changed)))

    def reacted(**changed: Any) -> SurveillanceRecords:
        return reported(reaction=reaction and reaction.model_copy(update=changed))

    def planned(**changed: Any) -> SurveillanceRecords:
        return replace(sound, plan=sound.plan.model_copy(update=changed))

    yield Plant(
        Text("a signal that one report leaves out", "某份报告遗漏信号"), _without("complaints", sound), "behind-plan"
    )
    yield Plant(
        Text("no report for a year", "一年无报告"),
        replace(sound, day=sound.day + timedelta(days=366)),
        "months_between_surveillance",
    )
    yield Plant(
        Text("a signal out of range without a reaction", "信号越限而无反应"),
        reported(reaction=None),
        "triggers_without_reaction",
    )
    yield Plant(
        Text("a reaction that came late", "反应过迟"),
        reacted(at=report.at + timedelta(days=30)),
        "triggers_without_reaction",
    )
    yield Plant(
        Text("service that goes on instead of being suspended", "应暂停而继续使用"),
        reacted(what="continued"),
        "triggers_without_reaction",
    )
    yield Plant(
        Text("reports of nothing that is planned", "报告未涉及任何计划信号"),
        planned(
            signals=[signal.model_copy(update={"name": f"another {signal.name}"}) for signal in sound.plan.signals]
        ),
        "months_between_surveillance",
    )
    yield Plant(Text("a plan without an end", "计划未含退役"), planned(retirement=None), "plan_elements_missing")
    yield Plant(
        Text("a plan in which nothing suspends", "计划中无暂停信号"),
        planned(signals=[signal.model_copy(update={"suspends": False}) for signal in sound.plan.signals]),
        "plan_elements_missing",
    )
    yield Plant(
        Text("a last report about another version", "最近报告针对其他版本"),
        replace(
            sound,
            reports=(
                *sound.reports[:-1],
                last.model_copy(update={"state": last.state.model_copy(update={"version": "1"})}),
            ),
        ),
        "last-report-on-another-state",
    )


def _without(signal: str, sound: SurveillanceRecords) -> SurveillanceRecords:
    """The first three reports say nothing about this signal: longer than the plan allows, whatever their days."""
    silent = tuple(
        report.model_copy(update={"values": {name: value for name, value in report.values.items() if name != signal}})
        for report in sound.reports[:3]
    )
    return replace(sound, reports=(*silent, *sound.reports[3:]))
