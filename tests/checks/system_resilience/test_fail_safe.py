"""Injected faults count as safe only where the declared state was reached in the declared time, once, here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.checks.registers import with_registers
from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.fail_safe import FailSafeParameters, fail_safe
from touchstone.errors import UnavailableError
from touchstone.system.subject import Subject

START = datetime(2026, 11, 1, tzinfo=UTC)
CONCEPT = [
    {"fault": "sensor-loss", "safe_state": "fixed programme", "seconds": 5},
    {"fault": "time-out", "safe_state": "operator takes over", "seconds": 10},
]
STATES = {entry["fault"]: entry["safe_state"] for entry in CONCEPT}


def trial(number: int, fault: str = "sensor-loss", seconds: float = 2, **change: Any) -> dict[str, Any]:
    begun = START + timedelta(minutes=number)
    entry = {
        "id": f"FI-{number}",
        "version": "1",
        "fault": fault,
        "injected": begun.isoformat(),
        "reached": (begun + timedelta(seconds=seconds)).isoformat(),
        "state": STATES.get(fault, "fixed programme"),
    } | change
    return {name: value for name, value in entry.items() if value is not None}


ALL_WELL = [trial(number, fault) for fault in STATES for number in range(300)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return picture_system(tmp_path_factory.mktemp("system"), gap=0.4, n=60)


def measured(system: Subject, trials: list[dict[str, Any]], concept: Any = CONCEPT) -> Measurement:
    numbered = [
        {**entry, "id": f"{place}/{entry['id']}"} if entry["id"] != "twice" else entry
        for place, entry in enumerate(trials)
    ]
    subject = with_registers(system, {"safety-concept": concept, "fault-injections": numbered})
    return fail_safe.function(subject, FailSafeParameters(n_min=300), InProcessRun())


def test_three_hundred_of_each_kind_show_it(system: Subject) -> None:
    measurement = measured(system, ALL_WELL)
    share = metric(measurement, "safe_state_reached")
    time = metric(measurement, "time_to_safe_state_over_declared")
    assert (share.value, share.n) == (1, 300)
    assert share.low is not None
    assert 0.99 < float(share.low) < 0.991
    assert (float(time.value), time.high) == (0.4, time.value)
    assert codes(measurement) == ["faulty-inputs"]
    assert all(control.passed for control in measurement.controls)
    assert metric(measurement, "safe_state_reached", "fault=time-out").value == 1


def test_the_worst_kind_decides(system: Subject) -> None:
    trials = [*ALL_WELL[:300], *(trial(number, "time-out", 60) for number in range(10))]
    measurement = measured(system, trials)
    assert metric(measurement, "safe_state_reached").value == 0
    assert metric(measurement, "time_to_safe_state_over_declared").value == 6
    assert metric(measurement, "safe_state_reached", "fault=sensor-loss").value == 1
    assert codes(measurement) == ["late", "faulty-inputs"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reached": None, "state": None}, "never"),
        ({"state": "carried on"}, "other-state"),
        ({"reached": (START - timedelta(days=1)).isoformat()}, "impossible-time"),
        ({"reached": (START + timedelta(days=1)).isoformat()}, "late"),
        ({"fault": "tamper-alarm"}, "not-declared"),
        ({"injected": (START + timedelta(minutes=1)).isoformat()}, "same-trial"),
    ],
)
def test_what_speaks_against_a_trial_is_named(system: Subject, change: dict[str, Any], reason: str) -> None:
    measurement = measured(system, [*ALL_WELL[1:], trial(0, **change)])
    assert reason in codes(measurement)
    assert float(metric(measurement, "safe_state_reached").value) < 1


def test_a_number_that_stands_twice_counts_once(system: Subject) -> None:
    measurement = measured(system, [*ALL_WELL[2:], trial(0, id="twice"), trial(1, id="twice")])
    assert "number-twice" in codes(measurement)


def test_a_declared_fault_that_nobody_tried_leaves_it_open(system: Subject) -> None:
    measurement = measured(system, ALL_WELL[:300])
    share = metric(measurement, "safe_state_reached")
    assert (share.value, share.low, share.high) == (1, 0, 1)
    assert metric(measurement, "time_to_safe_state_over_declared").high is None
    assert codes(measurement) == ["fault-never-tried", "faulty-inputs"]


def test_few_trials_prove_nothing_good(system: Subject) -> None:
    measurement = measured(system, [*ALL_WELL[:20], *ALL_WELL[300:320]])
    assert metric(measurement, "safe_state_reached").low is None
    assert "too-few-samples" in codes(measurement)


def test_another_version_is_another_system(system: Subject) -> None:
    measurement = measured(system, [*ALL_WELL, trial(999, version="0.9", reached=None)])
    assert codes(measurement) == ["other-version", "faulty-inputs"]
    with pytest.raises(UnavailableError, match="no fault was injected into version 1"):
        measured(system, [trial(1, version="0.9")])


def test_without_a_record_nothing_is_said(system: Subject, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="not handed in"):
        fail_safe.function(picture_system(tmp_path, gap=0.4), FailSafeParameters(), InProcessRun())


def test_a_model_that_breaks_off_at_no_number_is_not_sure_of_it(system: Subject) -> None:
    measurement = measured(system, ALL_WELL)
    assert metric(measurement, "faulty_inputs_answered_surely", "input=no-number").value == 0
    assert metric(measurement, "faulty_inputs_answered_surely", "input=zero").n == 50
