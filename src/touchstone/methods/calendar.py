"""Months and working days between two days, the way people count them in contracts and laws."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import numpy as np

_MONTHS = 12


def months_between(start: date, end: date) -> float:
    """Months from `start` to `end`: whole ones to the same day of the month, the rest as a share of the month begun.

    A day that the month does not have is its last one: from 31 January to 28 February is one month. Negative when
    `end` comes first.
    """
    if end < start:
        return -months_between(end, start)
    whole = (end.year - start.year) * _MONTHS + end.month - start.month
    if _later(start, whole) > end:
        whole -= 1
    begun = _later(start, whole)
    rest = (end - begun).days
    return whole + (rest / (_later(start, whole + 1) - begun).days if rest else 0.0)


def _later(start: date, months: int) -> date:
    years, month = divmod(start.month - 1 + months, _MONTHS)
    year, month = start.year + years, month + 1
    if year > date.max.year:
        return date.max
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Monday to Friday, less the holidays, and the days at weekends that are worked instead."""

    holidays: frozenset[date] = field(default_factory=frozenset)
    worked: frozenset[date] = field(default_factory=frozenset)

    @classmethod
    def of(cls, holidays: Iterable[date], worked: Iterable[date]) -> WorkingDays:
        """A day that is both is a working day: it was declared one by exception."""
        exceptions = frozenset(worked)
        return cls(frozenset(holidays) - exceptions, exceptions)

    def between(self, start: date, end: date) -> int:
        """Working days after `start` up to and with `end`: 0 on the same day, and 0 when `end` comes first."""
        if end <= start:
            return 0
        first, beyond = np.datetime64(start, "D") + 1, np.datetime64(end, "D") + 1
        holidays = np.array(sorted(self.holidays), dtype="datetime64[D]")
        return int(np.busday_count(first, beyond, holidays=holidays)) + sum(
            start < extra <= end and extra.weekday() > 4 for extra in self.worked
        )
