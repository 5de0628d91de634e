"""Confidence that falls with accuracy, and confidence that does not."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.checks.precomputed import precomputed_system
from tests.checks.running import METHOD_CODE, InProcessRun, metric
from tests.checks.system_resilience.systems import picture_system, table_system
from touchstone.checks.system_resilience import calibration_under_shift as module
from touchstone.checks.system_resilience.calibration import CalibrationParameters, calibration
from touchstone.checks.system_resilience.calibration_under_shift import UnderShift, calibration_under_shift
from touchstone.methods.corruptions.image import PICTURE_FAMILIES
from touchstone.system.subject import Subject, open_system

LAG = "confidence_lag_under_shift"


def measured(subject: Subject) -> UnderShift:
    result = calibration_under_shift(subject, InProcessRun(), 15)
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def lag(result: UnderShift, family: str | None = None) -> tuple[Decimal, Decimal, Decimal]:
    [found] = [each for each in result.metrics if (each.id, each.slice) == (LAG, family and f"{family}/3")]
    assert found.low is not None
    assert found.high is not None
    return found.low, found.value, found.high


def test_a_model_that_stays_certain_while_it_errs_is_found_out(tmp_path: Path) -> None:
    """Scores multiplied a million times: always certain, whatever dirt on the lens makes of the answer."""
    certain = measured(picture_system(tmp_path, gap=0.004, n=120, sharpness=1e6))
    low, value, high = lag(certain, "dirty_lens")
    assert 0 < low < value < high
    assert value > 0.3
    assert lag(certain)[0] > 0
    assert all(control.passed for control in certain.controls)


def test_a_robust_model_shows_no_lag(tmp_path: Path) -> None:
    low, value, high = lag(measured(picture_system(tmp_path, gap=0.6, n=120, sharpness=1e6)))
    assert low <= 0 <= high
    assert abs(value) < 0.02


def test_every_family_has_its_calibration_error(tmp_path: Path) -> None:
    result = calibration.function(picture_system(tmp_path, gap=0.02, n=60), CalibrationParameters(), InProcessRun())
    slices = {each.slice for each in result.metrics if each.id == "expected_calibration_error"}
    assert slices == {None, *(f"{family}/3" for family in PICTURE_FAMILIES)}
    assert metric(result, "expected_calibration_error", "fog/3").n == 60
    assert [control.kind for control in result.controls] == ["null", "planted"] * 2


def test_the_budget_bounds_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.SAMPLES, "quick", 30)
    result = measured(picture_system(tmp_path, gap=0.1, n=60))
    assert {each.n for each in result.metrics} == {30}


def test_a_system_that_abstains_where_it_errs_is_credited_for_it(tmp_path: Path) -> None:
    """Nearly all pictures are dark on the left; where dirt hides that, the answer is that there is none."""
    picture_system(tmp_path, gap=0.004, n=120, sharpness=1e6, labels=["dark", "Abstain"])
    with np.load(tmp_path / "test.npz") as data:
        chosen = np.concatenate([np.flatnonzero(data["y"] == 0), np.flatnonzero(data["y"] == 1)[:1]])
        x, y = data["x"][chosen], data["y"][chosen]
    np.savez(tmp_path / "test.npz", x=x, y=y)
    result = measured(open_system(tmp_path))
    [rise] = [each for each in result.metrics if each.id == "abstention_rise_under_shift"]
    assert rise.low is not None
    assert 0 < rise.low < rise.value
    low, value, _ = lag(result)
    assert low <= 0
    assert abs(value) < Decimal("0.02"), "what is not answered states no confidence"


def test_a_system_without_such_a_class_does_not_abstain(tmp_path: Path) -> None:
    assert not any(
        each.id.startswith("abstention") for each in measured(picture_system(tmp_path, gap=0.1, n=30)).metrics
    )


def test_predictions_cannot_be_shifted(tmp_path: Path) -> None:
    subject = precomputed_system(tmp_path, truth=["no", "yes"] * 20, answers={"p_no": [0.3] * 40, "p_yes": [0.7] * 40})
    assert measured(subject) == UnderShift()


def test_inputs_that_no_fault_fits_leave_a_note_and_the_rest(tmp_path: Path) -> None:
    result = calibration.function(table_system(tmp_path, [1.0]), CalibrationParameters(), InProcessRun())
    assert [note.code for note in result.warnings] == ["shift-not-measured"]
    assert {each.id for each in result.metrics} >= {"expected_calibration_error", "brier_score"}
    assert not any(each.id == LAG for each in result.metrics)
