"""A drill counts only if the model in service afterwards is the one that the record of releases leads to expect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.checks.registers import with_registers
from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system
from touchstone.canonical import digest_of
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.rollback import FAILED_MINUTES, RollbackParameters, rollback
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.subject import Subject

START = datetime(2026, 11, 1, tzinfo=UTC)
OLD = digest_of(b"the model before")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return picture_system(tmp_path_factory.mktemp("system"), gap=0.4, n=20)


def present(system: Subject) -> str:
    return system.record("model.onnx").digest


def releases(system: Subject) -> list[dict[str, Any]]:
    return [
        {"version": "1", "released": "2026-06-01T00:00:00Z", "model": present(system)},
        {"version": "0.9", "released": "2026-01-01T00:00:00Z", "model": OLD},
    ]


def drill(system: Subject, number: int, kind: str, minutes: float = 20, **change: Any) -> dict[str, Any]:
    begun = START + timedelta(days=number)
    entry = {
        "id": f"DR-{kind}-{number}",
        "kind": kind,
        "started": begun.isoformat(),
        "finished": (begun + timedelta(minutes=minutes)).isoformat(),
        "objective_minutes": 30,
        "model_after": OLD if kind == "rollback" else present(system),
    } | change
    return {name: value for name, value in entry.items() if value is not None}


def drills(system: Subject) -> list[dict[str, Any]]:
    return [drill(system, number, kind, 20 + number) for kind in ("rollback", "restore") for number in range(5)]


def measured(system: Subject, held: list[dict[str, Any]], known: list[dict[str, Any]] | None = None) -> Measurement:
    registers = {"drills": held, "releases": releases(system) if known is None else known}
    return rollback.function(with_registers(system, registers), RollbackParameters(), InProcessRun())


def test_five_drills_of_each_kind_bound_the_median(system: Subject) -> None:
    measurement = measured(system, drills(system))
    minutes = metric(measurement, "rollback_minutes")
    ratio = metric(measurement, "recovery_time_over_declared")
    assert (minutes.value, minutes.high) == (22, 24)
    assert (float(ratio.value), float(ratio.high or 0)) == (pytest.approx(22 / 30), pytest.approx(24 / 30))
    assert measurement.warnings == ()
    assert all(control.passed for control in measurement.controls)


def test_four_drills_bound_nothing(system: Subject) -> None:
    assert metric(measured(system, drills(system)[1:]), "rollback_minutes").high is None


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("rollback", {"started": "2025-01-01T00:00:00Z"}, "nothing-in-service"),
        ("rollback", {"id": "DR-rollback-1"}, "number-twice"),
        ("rollback", {"started": (START + timedelta(days=1)).isoformat()}, "same-drill"),
        ("rollback", {"finished": None}, "failed"),
        ("rollback", {"finished": START.isoformat()}, "impossible-time"),
        ("rollback", {"model_after": digest_of(b"a model of nobody")}, "not-earlier"),
        ("restore", {"model_after": OLD}, "not-restored"),
        ("restore", {"model_after": None}, "not-restored"),
    ],
)
def test_what_speaks_against_a_drill_is_named(system: Subject, kind: str, change: dict[str, Any], reason: str) -> None:
    measurement = measured(system, [*drills(system), drill(system, 9, kind, **change)])
    assert codes(measurement) == [reason]
    name = "rollback_minutes" if kind == "rollback" else "recovery_time_over_declared"
    assert metric(measurement, name).n == 6


def test_no_objective_is_declared_after_the_drill(system: Subject) -> None:
    held = [drill(system, number, "restore", 300, objective_minutes=30 if number == 4 else 600) for number in range(5)]
    assert float(metric(measured(system, held), "recovery_time_over_declared").value) == 10


@pytest.mark.parametrize("objective", [1e-300, 0, -1, 1e300])
def test_absurd_objectives_are_refused(system: Subject, objective: float) -> None:
    held = [drill(system, number, "restore", objective_minutes=objective) for number in range(5)]
    with pytest.raises(DescriptionError, match="objective_minutes: expected at"):
        measured(system, held)


def test_failed_drills_meet_no_limit(system: Subject) -> None:
    failed = [drill(system, number, "rollback", finished=None) for number in range(5)]
    assert metric(measured(system, failed), "rollback_minutes").value == FAILED_MINUTES


def test_the_release_under_test_has_to_name_this_model(system: Subject) -> None:
    other = [{**releases(system)[0], "model": digest_of(b"another")}, releases(system)[1]]
    measurement = measured(system, drills(system), other)
    assert codes(measurement) == ["release-differs"]
    assert metric(measurement, "rollback_minutes").value == FAILED_MINUTES
    later = [{**releases(system)[0], "version": "1.0.1"}, releases(system)[1]]
    assert codes(measured(system, drills(system), later)) == ["version-not-released"]


def test_without_drills_nothing_is_said(system: Subject, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no drill was held"):
        measured(system, [])
    with pytest.raises(UnavailableError, match="not handed in"):
        rollback.function(picture_system(tmp_path, gap=0.4, n=20), RollbackParameters(), InProcessRun())
