"""Which alert answers which event, one to one."""

from __future__ import annotations

from collections.abc import Sequence


def answered(events: Sequence[float], alerts: Sequence[float], within: float) -> list[int | None]:
    """For each event the alert that answers it: one at or after it, by at most `within`, and of no other event.

    `events` and `alerts` are times in seconds; the alerts come back as places in `alerts`. As many events are answered
    as possible: every event waits equally long, so serving them in order of time with the earliest alert that is left
    is a maximum matching (Glover 1967, Naval Research Logistics Quarterly 14).
    """
    found: list[int | None] = [None] * len(events)
    waiting = iter(sorted(range(len(alerts)), key=lambda place: alerts[place]))
    alert = next(waiting, None)
    for event in sorted(range(len(events)), key=lambda place: events[place]):
        while alert is not None and alerts[alert] < events[event]:
            alert = next(waiting, None)
        if alert is not None and alerts[alert] - events[event] <= within:
            found[event] = alert
            alert = next(waiting, None)
    return found
