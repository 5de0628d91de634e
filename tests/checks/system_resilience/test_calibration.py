"""Models whose calibration is known, through a real system folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.checks.precomputed import precomputed_system
from tests.checks.running import METHOD_CODE, InProcessRun
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.calibration import CalibrationParameters, calibration
from touchstone.errors import UnavailableError
from touchstone.records import Metric
from touchstone.system.subject import Subject


def stating(folder: Path, *, samples: int, sharpened: float = 1.0) -> Subject:
    """A model that knows the true probabilities and states them to the power of `sharpened`, normalised."""
    generator = np.random.default_rng(11)
    truth_of_yes = generator.beta(0.8, 0.8, size=samples)
    truth = np.where(generator.random(samples) < truth_of_yes, "yes", "no")
    yes, no = truth_of_yes**sharpened, (1 - truth_of_yes) ** sharpened
    stated = yes / (yes + no)
    return precomputed_system(folder, truth=truth.tolist(), answers={"p_no": 1 - stated, "p_yes": stated})


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = calibration.function(subject, CalibrationParameters(), run or InProcessRun())
    clean = {metric.id for metric in calibration.metrics if not metric.id.endswith("_under_shift")}
    assert {metric.id for metric in result.metrics} == clean, "precomputed answers cannot be asked again"
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def error_of(measurement: Measurement) -> Metric:
    [found] = [each for each in measurement.metrics if each.id == "expected_calibration_error"]
    return found


def test_a_calibrated_model_is_shown_to_be(tmp_path: Path) -> None:
    result = measured(stating(tmp_path, samples=4000))
    found = error_of(result)
    assert found.low == 0
    assert found.high is not None
    assert found.value < found.high < 0.05
    assert [control.passed for control in result.controls] == [True, True]


def test_an_overconfident_model_is_found_out(tmp_path: Path) -> None:
    found = error_of(measured(stating(tmp_path, samples=2000, sharpened=4.0)))
    assert found.low is not None
    assert found.low > 0.05


def test_a_handful_of_samples_proves_nothing_and_says_so(tmp_path: Path) -> None:
    result = measured(stating(tmp_path, samples=20, sharpened=4.0))
    found = error_of(result)
    assert found.high is not None
    assert found.high > 0.3
    assert {control.kind: control.passed for control in result.controls} == {"null": True, "planted": False}


def test_scores_of_a_model_that_always_says_half(tmp_path: Path) -> None:
    half = [0.5] * 200
    subject = precomputed_system(tmp_path, truth=["no", "yes"] * 100, answers={"p_no": half, "p_yes": half})
    values = {each.id: float(each.value) for each in measured(subject).metrics}
    assert values["brier_score"] == pytest.approx(0.5)
    assert values["negative_log_likelihood"] == pytest.approx(np.log(2))
    assert values["expected_calibration_error"] == pytest.approx(0.0)


def test_reliability_table_adds_up(tmp_path: Path) -> None:
    run = InProcessRun()
    result = measured(stating(tmp_path, samples=600), run)
    bins = json.loads(run.kept["reliability.json"])["bins"]
    assert [each["samples"] for each in bins] == [40] * 15
    from_table = sum(abs(float(each["accuracy"]) - float(each["confidence"])) * each["samples"] for each in bins) / 600
    assert from_table == pytest.approx(float(error_of(result).value), abs=1e-6)
    assert all(float(each["accuracy_low"]) <= float(each["accuracy"]) <= float(each["accuracy_high"]) for each in bins)


def test_labels_alone_are_not_enough(tmp_path: Path) -> None:
    subject = precomputed_system(tmp_path, truth=["no", "yes"], answers={"answer": ["no", "yes"]})
    with pytest.raises(UnavailableError):
        calibration.function(subject, CalibrationParameters(), InProcessRun())


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    subject = stating(tmp_path, samples=200)
    assert measured(subject) == measured(subject)


def test_a_group_whose_confidence_is_not_deserved(tmp_path: Path) -> None:
    """Women are right nine times in ten as stated, men six times in ten; a third group is too small to tell."""
    generator = np.random.default_rng(4)
    sex = np.repeat(["F", "M", "X"], [600, 600, 50])
    right = generator.random(1250) < np.where(sex == "M", 0.6, 0.9)
    truth = generator.choice(["no", "yes"], 1250)
    yes = np.where((truth == "yes") == right, 0.9, 0.1)
    subject = precomputed_system(
        tmp_path,
        truth=truth.tolist(),
        answers={"p_no": 1 - yes, "p_yes": yes},
        sensitive={"sex": sex.tolist()},
    )
    run = InProcessRun()
    result = measured(subject, run)
    errors = {each.slice: each for each in result.metrics if each.id == "expected_calibration_error"}
    assert set(errors) == {None, "sex=F", "sex=M"}
    assert errors["sex=M"].low is not None
    assert errors["sex=M"].low > 0.15
    assert errors["sex=F"].low == 0
    parts = json.loads(run.kept["reliability.json"])["brier_score_of_confidence"]
    assert float(parts["reliability_debiased"]) <= float(parts["reliability"])
