"""Known confusion tables through a real system folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checks.precomputed import precomputed_system
from tests.checks.running import METHOD_CODE, InProcessRun, metric
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity.performance import PerformanceParameters, performance
from touchstone.statistics import difference_bounds, proportion_bounds
from touchstone.system.subject import Subject

# 100 positives of which 80 are found, 300 negatives of which 270 are cleared
TRUTH = ["yes"] * 100 + ["no"] * 300
ANSWERS = ["yes"] * 80 + ["no"] * 20 + ["yes"] * 30 + ["no"] * 270


def measured(subject: Subject, run: InProcessRun | None = None, **parameters: int) -> Measurement:
    result = performance.function(subject, PerformanceParameters(**parameters), run or InProcessRun())
    declared = {metric.id for metric in performance.metrics}
    assert {metric.id for metric in result.metrics} <= declared
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def codes(measurement: Measurement) -> set[str]:
    return {note.code for note in measurement.warnings}


def test_rates_of_a_known_table(tmp_path: Path) -> None:
    result = measured(precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}))
    for name, successes, n in (("accuracy", 350, 400), ("sensitivity", 80, 100), ("specificity", 270, 300)):
        found = metric(result, name)
        assert float(found.value) == successes / n
        assert (float(found.low), float(found.high)) == pytest.approx(proportion_bounds(successes, n), abs=1e-8)
        assert found.n == n
    assert float(metric(result, "balanced_accuracy").value) == pytest.approx(0.85)
    assert float(metric(result, "recall", "class=no").value) == 0.9
    half_width = metric(result, "interval_half_width")
    assert float(half_width.value) == pytest.approx(0.8 - proportion_bounds(80, 100)[0], abs=1e-8)
    assert half_width.n == 100


def test_confusion_matrix_is_kept(tmp_path: Path) -> None:
    run = InProcessRun()
    measured(precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}), run)
    kept = json.loads(run.kept["confusion-matrix.json"])
    assert kept == {"labels": ["no", "yes"], "rows_truth_columns_predicted": [[270, 30], [20, 80]]}


def test_the_claim_that_fares_worst_decides(tmp_path: Path) -> None:
    claims = {"accuracy": 0.8, "sensitivity": 0.85, "auc": 0.9}
    result = measured(precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}, claims=claims))
    margin = metric(result, "lower_bound_minus_claim")
    assert float(margin.value) == pytest.approx(0.80 - 0.85)
    assert float(margin.low) == pytest.approx(proportion_bounds(80, 100)[0] - 0.85, abs=1e-8)
    assert float(margin.high) == pytest.approx(proportion_bounds(80, 100, looks=2)[1] - 0.85, abs=1e-8)
    [note] = [note for note in result.warnings if note.code == "claim-not-measured"]
    assert "auc" in note.text.en


def test_without_a_claim_there_is_nothing_to_confirm(tmp_path: Path) -> None:
    result = measured(precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}))
    assert "lower_bound_minus_claim" not in {each.id for each in result.metrics}
    assert "no-claim" in codes(result)


def test_without_a_positive_class_accuracy_stands_alone(tmp_path: Path) -> None:
    subject = precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}, positive=None)
    result = measured(subject)
    assert {"sensitivity", "specificity"}.isdisjoint(each.id for each in result.metrics)
    assert "no-positive-class" in codes(result)
    assert metric(result, "interval_half_width").n == 400


def test_groups_are_reported_and_small_ones_named(tmp_path: Path) -> None:
    sex = ["F"] * 200 + ["M"] * 195 + ["X"] * 5
    subject = precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}, sensitive={"sex": sex})
    result = measured(subject)
    assert float(metric(result, "accuracy", "sex=F").value) == 150 / 200
    assert float(metric(result, "accuracy", "sex=M").value) == 1.0
    [note] = [note for note in result.warnings if note.code == "groups-not-reported"]
    assert "sex=X" in note.text.en
    assert "sex=X" in note.text.zh
    assert float(metric(measured(subject, minimum_group_size=5), "accuracy", "sex=X").value) == 1.0


def test_an_attribute_of_single_values_is_not_sliced(tmp_path: Path) -> None:
    postcodes = [str(row) for row in range(400)]
    subject = precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}, sensitive={"postcode": postcodes})
    result = measured(subject, minimum_group_size=2)
    assert [each.slice for each in result.metrics if each.id == "accuracy"] == [None]
    assert "groups-not-reported" in codes(result)


def test_accuracy_lost_at_sites_that_were_not_trained_on(tmp_path: Path) -> None:
    sites = ["north"] * 200 + ["south"] * 200
    subject = precomputed_system(
        tmp_path, truth=TRUTH, answers={"answer": ANSWERS}, sites=(sites, ["south", "west", "south"])
    )
    drop = metric(measured(subject), "unseen_site_drop")
    assert float(drop.value) == 1.0 - 150 / 200
    assert (float(drop.low), float(drop.high)) == pytest.approx(difference_bounds(200, 200, 150, 200), abs=1e-8)


def test_sites_all_trained_on_say_nothing_about_others(tmp_path: Path) -> None:
    sites = ["north"] * 200 + ["south"] * 200
    subject = precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}, sites=(sites, ["south", "north"]))
    assert "unseen_site_drop" not in {each.id for each in measured(subject).metrics}


def test_controls_pass_on_enough_samples_and_fail_on_too_few(tmp_path: Path) -> None:
    many = measured(precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS}))
    assert {control.kind: control.passed for control in many.controls} == {"null": True, "planted": True}
    (tmp_path / "few").mkdir()
    few = measured(precomputed_system(tmp_path / "few", truth=TRUTH[95:115], answers={"answer": ANSWERS[95:115]}))
    assert {control.kind: control.passed for control in few.controls} == {"null": True, "planted": False}


def test_null_control_rarely_cries_wolf(tmp_path: Path) -> None:
    subject = precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS})
    for seed in range(20):
        [null, _] = measured(subject, InProcessRun(seed=str(seed))).controls
        assert null.passed


def test_a_class_without_samples_leaves_its_rates_out(tmp_path: Path) -> None:
    subject = precomputed_system(
        tmp_path, truth=["no", "maybe"] * 50, answers={"answer": ["no"] * 100}, labels=("no", "maybe", "yes")
    )
    names = {each.id for each in measured(subject).metrics}
    assert {"accuracy", "specificity"} <= names
    assert {"sensitivity", "balanced_accuracy"}.isdisjoint(names)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    subject = precomputed_system(tmp_path, truth=TRUTH, answers={"answer": ANSWERS})
    assert measured(subject) == measured(subject)


def test_a_model_that_knows_when_it_is_wrong_is_worth_more_if_it_abstains(tmp_path: Path) -> None:
    """Wrong on the ten of a hundred samples that it is least sure of."""
    truth = ["yes", "no"] * 50
    stated = [0.55 if row < 10 else 0.9 for row in range(100)]
    right = [0 if row < 10 else 1 for row in range(100)]
    yes = [
        each if (name == "yes") == bool(good) else 1 - each
        for name, each, good in zip(truth, stated, right, strict=True)
    ]
    subject = precomputed_system(tmp_path, truth=truth, answers={"p_no": [1 - each for each in yes], "p_yes": yes})
    run = InProcessRun()
    result = performance.function(subject, PerformanceParameters(), run)
    assert metric(result, "selective_risk", "coverage=90%").value == 0
    assert metric(result, "selective_risk", "coverage=90%").n == 90
    area = metric(result, "area_under_risk_coverage")
    assert area.low is not None
    assert area.high is not None
    assert area.low <= area.value <= area.high
    assert float(area.value) < 0.01
    curve = json.loads(run.kept["risk-coverage.json"])["curve"]
    assert [row["answered"] for row in curve] == [90] * 9 + [100]
    assert curve[-1]["risk"] == "0.1"
