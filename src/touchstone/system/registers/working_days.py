"""Registers of which days are counted as working days: those on which somebody says that nobody works, and others."""

from __future__ import annotations

from collections import Counter

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, told

MOST_HOLIDAYS = 40
"""Weekdays of one year that may be holidays: more than any calendar has, or a delay could be declared away."""
_SATURDAY = 5


class WithWorkingDays(Dated):
    """A register that holds its own calendar."""

    holidays: list[Day] = told("weekdays on which nobody works", "工作日中的休息日", [])
    worked_weekends: list[Day] = told("days at weekends that are worked instead", "调休上班的周末", [])

    @model_validator(mode="after")
    def _some_work(self) -> WithWorkingDays:
        free = Counter(day.year for day in {*self.holidays} - {*self.worked_weekends} if day.weekday() < _SATURDAY)
        for year, days in free.items():
            if days > MOST_HOLIDAYS:
                raise PydanticCustomError(
                    "holidays",
                    "{days} weekdays of {year} are holidays, and at most {most} can be",
                    {
                        "days": days,
                        "year": year,
                        "most": MOST_HOLIDAYS,
                        "zh": f"{year} 年有 {days} 个工作日被列为休息日，最多 {MOST_HOLIDAYS} 个",
                    },
                )
        return self
