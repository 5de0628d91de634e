"""Persons summed up by day, so that the order within a day does not matter."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate

from touchstone.standard.decision_table import AtLeast
from touchstone.system.registers.flows import Flow

Count = int | AtLeast


class RunningCounts:
    """Ordinary and sensitive persons of flows. A number nobody stated makes all later sums lower bounds."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        ordered = sorted(flows, key=lambda flow: flow.day)
        self._days = [flow.day for flow in ordered]
        self._persons = _running([0 if flow.personal is False else flow.persons for flow in ordered])
        self._sensitive = _running([0 if flow.personal is False else flow.sensitive_persons for flow in ordered])

    def until(self, day: date) -> tuple[Count, Count]:
        """Both sums over the flows that began up to and with that day."""
        place = bisect_right(self._days, day)
        return self._persons[place], self._sensitive[place]


def _running(numbers: Sequence[int | None]) -> list[Count]:
    sums = accumulate((number or 0 for number in numbers), initial=0)
    unknown = accumulate((number is None for number in numbers), initial=False, func=lambda one, two: one or two)
    return [AtLeast(total) if lower_bound else total for total, lower_bound in zip(sums, unknown, strict=True)]
