"""As many events as possible are answered, each by an alert of its own."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.operation.matching import answered

times = st.lists(st.integers(0, 30), max_size=6)


def most_answered(events: list[int], alerts: list[int], within: int) -> int:
    """By trying everything."""

    @cache
    def best(event: int, free: frozenset[int]) -> int:
        if event == len(events):
            return 0
        fitting = [alert for alert in free if 0 <= alerts[alert] - events[event] <= within]
        return max([best(event + 1, free), *(1 + best(event + 1, free - {alert}) for alert in fitting)])

    return best(0, frozenset(range(len(alerts))))


@given(times, times, st.integers(0, 10))
def test_no_matching_answers_more(events: list[int], alerts: list[int], within: int) -> None:
    found = answered(events, alerts, within)
    given_ = [alert for alert in found if alert is not None]
    assert len(set(given_)) == len(given_) == most_answered(events, alerts, within)
    for event, alert in zip(events, found, strict=True):
        assert alert is None or 0 <= alerts[alert] - event <= within


def test_one_alert_answers_one_event() -> None:
    assert answered([0, 1], [2], 5) == [0, None]
    assert answered([5, 0], [6, 1], 5) == [0, 1]
    assert answered([3], [2, 9], 5) == [None]
