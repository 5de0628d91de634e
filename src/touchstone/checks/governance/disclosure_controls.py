"""A case log made up for a test of the test: everything in order, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from touchstone.checks.governance.advisories import CsafDocument
from touchstone.checks.governance.disclosure_log import DisclosureRecords
from touchstone.checks.register_controls import Plant
from touchstone.system.registers.disclosure import Disclosure
from touchstone.system.registers.disclosure_cases import Advisory, DisclosureCase, Dismissal, Tries
from touchstone.text import Text

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def sound_log(generator: np.random.Generator) -> DisclosureRecords:
    """Six cases, each in a week of its own, answered within three days, reported, fixed, tried again and published."""
    cases = tuple(_sound_case(number, generator) for number in range(6))
    advisories = {
        case.advisory.id: CsafDocument(case.advisory.id, case.advisory.published, ()) for case in cases if case.advisory
    }
    setting = Disclosure(as_of=date(2026, 6, 1), intake="https://intake", policy="https://policy")
    return DisclosureRecords(setting, cases, advisories, True, setting.as_of)


def _sound_case(number: int, generator: np.random.Generator) -> DisclosureCase:
    received = MONDAY + timedelta(weeks=number)
    later = sorted(received + timedelta(hours=float(hours)) for hours in generator.uniform(60, 600, size=2))
    shown = int(generator.integers(30, 100))
    return DisclosureCase(
        id=f"F-{number}",
        kind="model",
        received=received,
        acknowledged=received + timedelta(hours=float(generator.uniform(1, 60))),
        reproduced=Tries(shown=shown, not_shown=100 - shown),
        authority_notified=received + timedelta(hours=float(generator.uniform(1, 40))),
        fixed=later[0],
        retested=Tries(shown=0, not_shown=100),
        advisory=Advisory(id=f"A-{number}", published=later[1]),
    )


def flawed_logs(sound: DisclosureRecords, generator: np.random.Generator) -> Iterator[Plant[DisclosureRecords]]:
    """The same log with one flaw at a time, in a case by lot."""
    chosen = int(generator.integers(len(sound.cases)))
    case = sound.cases[chosen]
    others = sound.cases[:chosen] + sound.cases[chosen + 1 :]

    def changed(**fields: Any) -> DisclosureRecords:
        return replace(sound, cases=(*others, case.model_copy(update=fields)))

    def set_aside(*by: str) -> Dismissal:
        return Dismissal(at=case.received + timedelta(days=1), by=list(by), reason="a mistake")

    nobody = Tries(shown=0, not_shown=3)
    yield Plant(Text("a report that nobody answered", "无人回复的报告"), changed(acknowledged=None), "not-acknowledged")
    yield Plant(
        Text("an answer after two weeks", "两周后才回复"),
        changed(acknowledged=case.received + timedelta(weeks=2)),
        "acknowledge_days",
    )
    yield Plant(
        Text("an answer before the report", "回复早于报告"),
        changed(acknowledged=case.received - timedelta(days=1)),
        "before-the-report",
    )
    yield Plant(
        Text("a report to the authority after a week", "一周后才报送主管部门"),
        changed(authority_notified=case.received + timedelta(weeks=1)),
        "miit_report_hours",
    )
    yield Plant(
        Text("no report to the authority", "未报送主管部门"), changed(authority_notified=None), "authority-not-told"
    )
    yield Plant(
        Text("set aside by one person", "由一人驳回"),
        changed(dismissal=set_aside("one"), reproduced=nobody),
        "dismissed-by-one",
    )
    yield Plant(
        Text("set aside although seen", "已复现仍被驳回"),
        changed(dismissal=set_aside("one", "two")),
        "dismissed-although-seen",
    )
    yield Plant(
        Text("set aside after three tries", "三次尝试后驳回"),
        changed(dismissal=set_aside("one", "two"), reproduced=nobody),
        "not-reproduced",
    )
    yield Plant(Text("a fix that nobody tried", "修复后未复测"), changed(retested=None), "fixed-without-retest")
    yield Plant(Text("a fix that changed nothing", "修复无效"), changed(retested=case.reproduced), "fix-not-shown")
    yield Plant(Text("a fix that was not published", "已修复未公布"), changed(advisory=None), "not-published")
    yield Plant(
        Text("an advisory that nobody can read", "公告不可机读"),
        replace(sound, advisories={}),
        "advisory-not-readable",
    )
