"""Risks of a system, who owns each and what is done about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, told
from touchstone.system.registers.person import Person
from touchstone.text import Text


class Risk(Dated):
    """One risk."""

    register: ClassVar[str] = "risks"
    about: ClassVar[Text] = Text("risk register", "风险台账")

    id: Identifier = told("name of the risk", "风险编号", examples=["R-07"])
    title: Line = told("what may happen", "可能发生的情形", examples=["Stickers hide road signs from the camera"])
    identified: Day = told("when it was identified", "识别日期", examples=["2026-03-02"])
    owner: Person = told("who answers for it, by reference", "责任人（以代号表示）", examples=["P-014"])
    threats: list[Line] = told(
        "threats behind it, by identifier of a catalogue", "所涉威胁在威胁库中的编号", [], examples=[["AML.T0043"]]
    )
    control: Identifier | None = told(
        "control whose finding it answers", "所回应发现项的控制项", None, examples=["SR-01"]
    )
    treatment: Literal["avoid", "reduce", "share", "accept"] = told("what is done about it", "处置方式")
    due: Day | None = told("by when the treatment is done; left out once it is", "处置期限；已完成则省略", None)
    residual: Literal["none", "low", "medium", "high", "critical"] = told(
        "what remains after the treatment", "处置后的剩余风险"
    )
    closed: Day | None = told("when the risk ended; left out while it has not", "风险关闭日期；未关闭则省略", None)

    def happened(self) -> Iterator[date]:
        yield self.identified
        if self.closed is not None:
            yield self.closed
