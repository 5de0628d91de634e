"""A seeded event counts as noticed only with an alert of its own, of its class and in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.checks.registers import with_registers
from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.monitor import MonitorParameters, monitor
from touchstone.errors import UnavailableError
from touchstone.system.subject import Subject

START = datetime(2026, 11, 1, tzinfo=UTC)
CLASSES = ("adversarial-input", "drift", "exfiltration", "tampered-parameters", "poisoned-feed")
SETTINGS: dict[str, Any] = {
    "version": "1",
    "from": START.isoformat(),
    "until": (START + timedelta(days=10)).isoformat(),
    "alert_within_seconds": 300,
}


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


EVENTS = [
    {"id": f"SE-{number}", "threat": CLASSES[number % 5], "at": at(60 * number), "what": "seeded for a test"}
    for number in range(150)
]
ALERTS = [{"id": f"A-{number}", "threat": CLASSES[number % 5], "at": at(60 * number + 2)} for number in range(150)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return picture_system(tmp_path_factory.mktemp("system"), gap=0.4, n=20)


def measured(
    system: Subject,
    events: Any = EVENTS,
    alerts: Any = ALERTS,
    settings: dict[str, Any] | None = None,
    window: float = 600,
) -> Measurement:
    registers = {"monitoring-exercise": SETTINGS | (settings or {}), "seeded-events": events, "alerts": alerts}
    return monitor.function(
        with_registers(system, registers), MonitorParameters(n_min=100, window_seconds=window), InProcessRun()
    )


def test_thirty_of_each_class_and_enough_quiet_hours_show_it(system: Subject) -> None:
    measurement = measured(system)
    assert metric(measurement, "threat_classes_covered").value == 5
    recall = metric(measurement, "seeded_event_recall")
    assert recall.value == 1
    assert recall.low is not None
    assert float(recall.low) > 0.9
    rate = metric(measurement, "false_alarm_rate")
    assert (rate.value, rate.n, rate.unit) == (0, 10 * 144 - 150, "share_of_windows")
    assert metric(measurement, "time_to_alert_s").high == 120
    assert measurement.warnings == ()
    assert all(control.passed for control in measurement.controls)


def test_the_worst_class_decides(system: Subject) -> None:
    measurement = measured(system, alerts=[alert for alert in ALERTS if alert["threat"] != "drift"])
    assert metric(measurement, "threat_classes_covered").value == 4
    assert metric(measurement, "seeded_event_recall").value == 0
    assert metric(measurement, "seeded_event_recall", "threat=exfiltration").value == 1
    assert "time_to_alert_s" not in {each.id for each in measurement.metrics if each.slice is None}
    assert codes(measurement) == ["missed"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"at": at(6)}, "missed"),
        ({"at": at(-1)}, "missed"),
        ({"threat": "drift"}, "other-class"),
    ],
)
def test_an_alert_of_another_time_or_class_is_none(system: Subject, change: dict[str, Any], reason: str) -> None:
    measurement = measured(system, alerts=[ALERTS[0] | change, *ALERTS[1:]])
    assert codes(measurement) == [reason]
    assert metric(measurement, "seeded_event_recall", "threat=adversarial-input").n == 30


def test_one_alert_does_not_answer_two_events(system: Subject) -> None:
    twin = EVENTS[0] | {"id": "twin", "at": at(1)}
    assert codes(measured(system, events=[*EVENTS, twin])) == ["other-class"]
    for copy in (ALERTS[0], ALERTS[0] | {"id": "another"}):
        found = measured(system, events=[*EVENTS, twin], alerts=[*ALERTS, copy])
        assert codes(found) == ["alert-twice", "other-class"]
    another = ALERTS[0] | {"id": "another", "at": at(2.5)}
    assert codes(measured(system, events=[*EVENTS, twin], alerts=[*ALERTS, another])) == []


def test_alarms_where_nothing_was_seeded_are_false(system: Subject) -> None:
    needless = [{"id": f"N-{number}", "threat": "drift", "at": at(60 * number + 30)} for number in range(100)]
    rate = metric(measured(system, alerts=[*ALERTS, *needless]), "false_alarm_rate")
    assert (float(rate.value), rate.n) == (pytest.approx(100 / 1290, abs=1e-6), 1290)


def test_a_class_without_events_and_too_few_events_are_named(system: Subject) -> None:
    measurement = measured(system, events=[event for event in EVENTS[:100] if event["threat"] != "drift"])
    assert codes(measurement) == ["too-few-samples", "class-never-seeded"]
    assert metric(measurement, "seeded_event_recall").low is None
    assert metric(measurement, "threat_classes_covered").value == 4


def test_an_exercise_without_quiet_hours_shows_no_false_alarms(system: Subject) -> None:
    measurement = measured(system, window=1_000_000)
    assert codes(measurement) == ["no-quiet-window"]
    assert "false_alarm_rate" not in {each.id for each in measurement.metrics}


def test_what_cannot_be_counted_is_said(system: Subject, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="held on version"):
        measured(system, settings={"version": "0.9"})
    with pytest.raises(UnavailableError, match="no event was seeded"):
        measured(system, events=[])
    with pytest.raises(UnavailableError, match="windows"):
        measured(system, settings={"until": "2099-12-01T00:00:00Z"}, window=1)
    with pytest.raises(UnavailableError, match="not handed in"):
        monitor.function(picture_system(tmp_path, gap=0.4, n=20), MonitorParameters(), InProcessRun())
