"""Register `incident-drills`: incidents, played or real, and who was told of them when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import FactValue, Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import EntryPart, Moment, told
from touchstone.system.registers.person import Person
from touchstone.text import Text


class Notification(EntryPart):
    """That one recipient is told."""

    to: Identifier = told(
        "recipient, by its name in the pack of law", "接收方，名称依法律数据包", examples=["cac-provincial"]
    )
    owner: Person | None = told("who has to tell it, by reference", "负责人（以代号表示）", None)
    at: Moment | None = told("when it was told; left out, it was not", "报告时间；不填即未报告", None)


class IncidentDrill(Dated):
    """One incident."""

    register: ClassVar[str] = "incident-drills"
    about: ClassVar[Text] = Text("the record of incident drills", "事件演练记录")

    id: Identifier = told("name of the drill, unique", "演练编号，不重复", examples=["ID-2026-02"])
    real: bool = told("true for an incident that was no drill", "真实事件填 true", False)
    facts: dict[Line, FactValue] = told(
        "what was known of it: grade, what was hit",
        "已知情况：分级、受影响对象",
        examples=[{"incident.grade": "larger"}],
    )
    detected: Moment = told("when it was noticed", "发现时间", examples=["2026-09-01T09:30:00+08:00"])
    notifications: list[Notification] = told("who was told", "报告情况", [])

    def happened(self) -> Iterator[date]:
        yield self.detected.date()

    @model_validator(mode="after")
    def _in_order(self) -> IncidentDrill:
        if any(each.at is not None and each.at < self.detected for each in self.notifications):
            raise PydanticCustomError(
                "told_before_noticed", "somebody was told before it was noticed", {"zh": "报告时间早于发现时间"}
            )
        return self
