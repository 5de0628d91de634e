"""The plan for watching a system in service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchstone.system.description import Finite, Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, EntryPart, told
from touchstone.system.registers.person import Person
from touchstone.text import Text

Days = Annotated[int, Field(ge=1, le=36_500)]


class Signal(EntryPart):
    """One quantity that is watched, and what it must not leave."""

    name: Identifier = told("what the reports call it", "报告中使用的名称", examples=["sensitivity"])
    what: Line = told("what it is and how it is found", "含义与取得方式")
    every_days: Days = told("how often it is reported", "报告间隔（天）", examples=[90])
    low: Finite | None = told("what it must not fall below", "下限", None, examples=[0.85])
    high: Finite | None = told("what it must not rise above", "上限", None)
    suspends: bool = told(
        "whether leaving the range suspends the certificate until it is corrected", "越限时是否暂停证书直至纠正", False
    )
    react_days: Days = told("within how many days somebody reacts", "须在多少天内作出反应", examples=[10])
    since: Day | None = told(
        "first day on which it is watched, if later than the plan's", "开始监测之日（晚于计划时）", None
    )

    def outside(self, value: float) -> bool:
        """Whether a reported value has left the range."""
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)


class Retirement(EntryPart):
    """What becomes of model and data at the end."""

    model: Literal["deleted", "archived"] = told("what becomes of the model", "模型的处置")
    data: Literal["deleted", "archived", "returned"] = told("what becomes of the data", "数据的处置")
    by: Person = told("who does it, by reference", "责任人（以代号表示）", examples=["P-014"])


class SurveillancePlan(Dated):
    """What is watched, how often, and what follows."""

    register: ClassVar[str] = "surveillance-plan"
    about: ClassVar[Text] = Text("plan for surveillance in service", "使用期监督计划")
    single: ClassVar[bool] = True

    as_of: Day = told("day up to which the reports are complete", "监督报告完整至该日", examples=["2026-11-20"])
    since: Day = told("first day in service, or of the certificate", "投入使用或证书生效之日", examples=["2025-12-01"])
    signals: list[Signal] = told("what is watched", "监测内容", min_length=1)
    retirement: Retirement | None = told("what becomes of model and data at the end", "退役时模型与数据的处置", None)

    def happened(self) -> Iterator[date]:
        yield self.as_of
