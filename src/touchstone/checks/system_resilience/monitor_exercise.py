"""What a monitor made of seeded events: which it answered, how fast, and how often it cried wolf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

import numpy as np

from touchstone.checks.delays import NEVER
from touchstone.errors import UnavailableError
from touchstone.methods.operation.matching import answered
from touchstone.system.registers.alerts import Alert
from touchstone.system.registers.monitoring_exercise import MonitoringExercise
from touchstone.system.registers.seeded_events import SeededEvent, Threat
from touchstone.text import Text

THREATS: tuple[Threat, ...] = get_args(Threat)
MOST_WINDOWS = 10_000_000

REASONS = {
    "outside-exercise": Text("an event outside the exercise; counted as missed", "事件不在演练时段内，按未检出计"),
    "number-twice": Text("a number that stands twice; the second is counted as missed", "编号重复，后一条按未检出计"),
    "same-event": Text(
        "of the same class and moment as another event; counted as missed", "与另一事件类别及时刻相同，按未检出计"
    ),
    "other-class": Text("missed, but an alert of another class came in time", "未检出，但有其他类别的告警及时发出"),
    "missed": Text("missed: no alert of its own in time", "未检出：规定时间内没有与之对应的告警"),
}
"""Why an event does not count as noticed, in the order in which it is looked for."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """One seeded event: seconds until the alert that answers it, or why there is none."""

    id: str
    threat: Threat
    delay: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Exercise:
    """What came of an exercise."""

    events: tuple[Noticed, ...]
    quiet_windows: int
    """Windows in which nothing was seeded and no alert was due."""
    alarmed_windows: int
    """Those of them in which an alert was raised all the same."""
    copies: tuple[str, ...]
    """Numbers of alerts that were written down more than once; each alert counts once."""


def evaluate(
    settings: MonitoringExercise, events: Sequence[SeededEvent], alerts: Sequence[Alert], window: float
) -> Exercise:
    """Match events with alerts of their own class, one to one, and count false alarms where nothing was seeded,
    in windows of `window` seconds.

    Raises `UnavailableError` where the exercise is too long to be cut into such windows.
    """
    last = _seconds(settings, settings.until)
    against: dict[int, str] = {}
    seen_ids: set[str] = set()
    seen_moments: set[tuple[str, datetime]] = set()
    for place, event in enumerate(events):
        if not 0 <= _seconds(settings, event.at) < last:
            against[place] = "outside-exercise"
        elif event.id in seen_ids:
            against[place] = "number-twice"
        elif (event.threat, event.at) in seen_moments:
            against[place] = "same-event"
        seen_ids.add(event.id)
        seen_moments.add((event.threat, event.at))
    once = _once(alerts)
    kept = {id(alert) for alert in once}
    quiet, alarmed = _false_alarms(settings, events, once, window)
    return Exercise(
        events=tuple(_noticed(settings, events, once, against)),
        quiet_windows=quiet,
        alarmed_windows=alarmed,
        copies=tuple(sorted({alert.id for alert in alerts if id(alert) not in kept})),
    )


def _once(alerts: Sequence[Alert]) -> list[Alert]:
    """Each alert once: one number, or one class and moment, is one alert however often it was written down."""
    numbers = {alert.id: alert for alert in reversed(alerts)}
    return list({(alert.threat, alert.at): alert for alert in numbers.values()}.values())


def _noticed(
    settings: MonitoringExercise, events: Sequence[SeededEvent], alerts: Sequence[Alert], against: dict[int, str]
) -> list[Noticed]:
    within = settings.alert_within_seconds
    delays: dict[int, float] = {}
    for threat in THREATS:
        places = [place for place, event in enumerate(events) if event.threat == threat and place not in against]
        begun = [_seconds(settings, events[place].at) for place in places]
        raised = [_seconds(settings, alert.at) for alert in alerts if alert.threat == threat]
        for place, start, alert in zip(places, begun, answered(begun, raised, within), strict=True):
            if alert is not None:
                delays[place] = raised[alert] - start
    times = np.sort([_seconds(settings, alert.at) for alert in alerts])
    found = []
    for place, event in enumerate(events):
        reason = None if place in delays else against.get(place)
        if place not in delays and reason is None:
            start = _seconds(settings, event.at)
            some = np.searchsorted(times, start + within, "right") > np.searchsorted(times, start, "left")
            reason = "other-class" if some else "missed"
        found.append(Noticed(event.id, event.threat, delays.get(place, NEVER), reason))
    return found


def _false_alarms(
    settings: MonitoringExercise, events: Sequence[SeededEvent], alerts: Sequence[Alert], length: float
) -> tuple[int, int]:
    """Windows of the exercise that no event and no due alert touches, and how many of them hold an alert."""
    count = int(max(_seconds(settings, settings.until), 0.0) / length)
    if count > MOST_WINDOWS:
        raise UnavailableError(
            Text(f"more than {MOST_WINDOWS} windows", f"时间窗超过 {MOST_WINDOWS} 个"),
            "registers.monitoring-exercise",
            Text("correct the beginning and end of the exercise", "请更正演练的起止时间"),
        )
    quiet = np.ones(count, dtype=bool)
    for event in events:
        start = _seconds(settings, event.at)
        first, final = (int(np.floor(at / length)) for at in (start, start + settings.alert_within_seconds))
        quiet[max(first, 0) : max(final + 1, 0)] = False
    alarmed = np.zeros(count, dtype=bool)
    for alert in alerts:
        window = int(np.floor(_seconds(settings, alert.at) / length))
        if 0 <= window < count:
            alarmed[window] = True
    return int(quiet.sum()), int((quiet & alarmed).sum())


def _seconds(settings: MonitoringExercise, at: datetime) -> float:
    return (at - settings.from_) / timedelta(seconds=1)


def consistent_record(
    generator: np.random.Generator,
) -> tuple[MonitoringExercise, list[SeededEvent], list[Alert]]:
    """A made-up exercise in which every event is noticed in time and there is no false alarm."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    settings = MonitoringExercise.model_validate(
        {
            "version": "made up",
            "from": start.isoformat(),
            "until": (start + timedelta(days=2)).isoformat(),
            "alert_within_seconds": 300.0,
        }
    )
    events, alerts = [], []
    for number, delay in enumerate(generator.uniform(1, 299, size=40)):
        begun = start + timedelta(hours=number)
        threat = THREATS[number % len(THREATS)]
        alert_at = (begun + timedelta(seconds=float(delay))).isoformat()
        events.append(
            SeededEvent.model_validate(
                {"id": f"event-{number}", "threat": threat, "at": begun.isoformat(), "what": "made up"}
            )
        )
        alerts.append(Alert.model_validate({"id": f"alert-{number}", "threat": threat, "at": alert_at}))
    return settings, events, alerts
