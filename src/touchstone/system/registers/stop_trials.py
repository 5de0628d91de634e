"""Trials of the control that stops a system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Duration, Moment, told
from touchstone.system.registers.person import Person
from touchstone.system.registers.state import State
from touchstone.text import Text


class StopTrial(Dated):
    """One trial."""

    register: ClassVar[str] = "stop-trials"
    about: ClassVar[Text] = Text("trials of the stop control", "停止控制试验记录")

    id: Identifier = told("name of the trial", "试验编号", examples=["ST-01"])
    state: State = told("state of the system that was stopped", "所停止的系统状态")
    overseer: Person = told("who pressed it, by reference", "操作人（以代号表示）", examples=["P-021"])
    control: Line = told("what was pressed", "所操作的控制", examples=["emergency stop at the operator's desk"])
    pressed: Moment = told("when", "操作时间")
    stopped: Moment | None = told("when the system stood; left out if it did not", "系统停止的时间；未停止则省略", None)
    within_seconds: Duration = told("within which time it has to stand", "规定的停止时限（秒）", examples=[2])
    answers_after: Annotated[int, Field(ge=0)] = told(
        "answers the system gave after it stood", "停止之后系统仍给出的回答数"
    )

    def happened(self) -> Iterator[date]:
        yield self.pressed.date()
