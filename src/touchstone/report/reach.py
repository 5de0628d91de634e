"""How far the registers reached when the system was assessed, for people who read the results.

Checks take the newest day in the registers for today, so that the same evidence gives the same result on any later
day. Whoever stops all registers is judged on an old day; nothing is failed for it, but a reader has to see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from touchstone.errors import EvidenceError
from touchstone.records import Execution
from touchstone.system.registers.kinds import REGISTERS
from touchstone.text import Text

OLD_AFTER_DAYS: Final = 31
"""If no register reaches nearer to the assessment, it is remarked on: something happens at least once a month."""


@dataclass(frozen=True, slots=True)
class RegisterReach:
    """One register: how far it reaches, and how many days before the assessment that was."""

    title: Text
    newest: date
    age: int
    """Negative where the register speaks of days after the assessment."""


@dataclass(frozen=True, slots=True)
class Reach:
    """All registers that know days, on the day on which the assessment ended."""

    assessed: date
    registers: tuple[RegisterReach, ...]

    @property
    def remark(self) -> Text | None:
        """What a reader must know of the day on which the registers were judged, if that was no ordinary one."""
        newest = max(self.registers, key=lambda each: each.newest)
        if newest.age > OLD_AFTER_DAYS:
            return Text(
                f"The registers end on {newest.newest}, {newest.age} days before the assessment, and were judged as on"
                " that day: nobody can say what came after. Hand in registers of today.",
                f"登记记录止于 {newest.newest}，早于测评 {newest.age} 天，并按该日判定：其后情况不得而知。"
                "请提交截至近日的登记记录。",
            )
        if newest.age < 0:
            return Text(
                f"The registers say what happened on {newest.newest}, which is after the assessment of {self.assessed}:"
                f" {newest.title.en}. One of the two days is wrong.",
                f"登记记录载有 {newest.newest} 的事件，晚于测评日 {self.assessed}：{newest.title.zh}。"
                "两个日期必有一误。",
            )
        return None


def reach_of(register_days: Mapping[str, date], executions: Iterable[Execution]) -> Reach | None:
    """How far registers reached on the day on which the last check began; `None` where none knows a day.

    Raises `EvidenceError` for an execution at a time that does not exist.
    """
    assessed = max(map(_day, executions), default=None)
    if assessed is None or not register_days:
        return None
    registers = (
        RegisterReach(_title(name), newest, (assessed - newest).days) for name, newest in register_days.items()
    )
    return Reach(assessed, tuple(sorted(registers, key=lambda each: (each.age, each.title.en))))


def _day(execution: Execution) -> date:
    try:
        return datetime.fromisoformat(execution.started).date()
    except ValueError:
        raise EvidenceError(Text("states a time that does not exist", "所载时间不存在"), execution.check.id) from None


def _title(name: str) -> Text:
    return REGISTERS[name].about if name in REGISTERS else Text(name, name)
