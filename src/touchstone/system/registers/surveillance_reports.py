"""Reports of watching a system in service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from touchstone.system.description import Finite, Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, EntryPart, told
from touchstone.system.registers.person import Person
from touchstone.system.registers.state import State
from touchstone.text import Text


class Reaction(EntryPart):
    """What was done about signals that left their range."""

    at: Day = told("when", "日期")
    what: Literal["suspended", "withdrawn", "corrected", "continued"] = told("what was done", "采取的措施")
    by: Person = told("who decided it, by reference", "决定人（以代号表示）", examples=["P-002"])
    reason: Line = told("why", "理由")


class SurveillanceReport(Dated):
    """One report."""

    register: ClassVar[str] = "surveillance-reports"
    about: ClassVar[Text] = Text("reports of surveillance in service", "使用期监督报告")

    id: Identifier = told("name of the report", "报告编号", examples=["S-2026-02"])
    at: Day = told("day of the report", "报告日期", examples=["2026-05-20"])
    state: State = told("state of the system that was watched", "所监测的系统状态")
    by: Person = told("who reports, by reference", "报告人（以代号表示）", examples=["P-055"])
    values: dict[Identifier, Finite] = told("value of each signal", "各信号的取值", examples=[{"sensitivity": 0.9}])
    reaction: Reaction | None = told("what was done about signals out of range", "对越限信号采取的措施", None)

    def happened(self) -> Iterator[date]:
        yield self.at
        if self.reaction is not None:
            yield self.reaction.at
