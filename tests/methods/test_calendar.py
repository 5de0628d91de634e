"""Months and working days are counted as people count them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.calendar import WorkingDays, months_between

DAYS = st.dates(date(1900, 1, 1), date(2200, 1, 1))


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2025, 11, 20), date(2026, 11, 20), 12),
        (date(2025, 11, 20), date(2026, 11, 21), 12 + 1 / 30),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2024, 2, 29), date(2025, 2, 28), 12),
        (date(2026, 3, 1), date(2026, 3, 1), 0),
        (date(2026, 3, 2), date(2026, 3, 1), -1 / 31),
    ],
)
def test_months_run_to_the_same_day(start: date, end: date, months: float) -> None:
    assert months_between(start, end) == pytest.approx(months)


@given(DAYS, DAYS, DAYS)
def test_months_grow_with_time(start: date, one: date, other: date) -> None:
    early, late = sorted([max(start, one), max(start, other)])
    assert months_between(start, early) <= months_between(start, late)


def test_the_last_day_that_can_be_written_is_a_day() -> None:
    assert months_between(date(9999, 12, 1), date.max) > 0
    assert WorkingDays().between(date(9999, 12, 30), date.max) == 1


def test_a_chinese_week_of_holidays() -> None:
    """National Day 2026: 1 to 7 October off, 20 September and 10 October worked (a Sunday and a Saturday)."""
    week = [date(2026, 10, day) for day in range(1, 8)]
    calendar = WorkingDays.of(week, [date(2026, 9, 20), date(2026, 10, 10)])
    assert calendar.between(date(2026, 9, 30), date(2026, 10, 8)) == 1
    assert calendar.between(date(2026, 9, 30), date(2026, 10, 10)) == 3
    assert WorkingDays().between(date(2026, 9, 30), date(2026, 10, 10)) == 7


@given(
    st.dates(date(2020, 1, 1), date(2021, 1, 1)),
    st.integers(0, 60),
    st.sets(st.dates(date(2020, 1, 1), date(2021, 3, 1)), max_size=30),
    st.sets(st.dates(date(2020, 1, 1), date(2021, 3, 1)), max_size=30),
)
def test_working_days_are_those_that_can_be_counted_one_by_one(
    start: date, length: int, holidays: set[date], worked: set[date]
) -> None:
    days = [start + timedelta(days=offset) for offset in range(1, length + 1)]
    expected = sum(day in worked or (day.weekday() < 5 and day not in holidays) for day in days)
    assert WorkingDays.of(holidays, worked).between(start, start + timedelta(days=length)) == expected
