"""Published tables, planted gaps and small groups, through a real system folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.precomputed import precomputed_system
from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from touchstone.checks.declaration import Measurement
from touchstone.checks.governance.group_fairness import GroupFairnessParameters, group_metrics
from touchstone.errors import DataError
from touchstone.system.subject import Subject


def people(**tables: tuple[int, int, int, int]) -> dict[str, list[str]]:
    """Truth, answer and group columns for (true negative, false positive, false negative, true positive) counts."""
    cells = [("no", "no"), ("no", "yes"), ("yes", "no"), ("yes", "yes")]
    rows = [
        (truth, answer, name)
        for name, counts in tables.items()
        for (truth, answer), count in zip(cells, counts, strict=True)
        for _ in range(count)
    ]
    truth, answer, group = zip(*rows, strict=True)
    return {"truth": list(truth), "answer": list(answer), "group": list(group)}


def system(folder: Path, columns: dict[str, list[str]], **changes: Any) -> Subject:
    sensitive = changes.pop("sensitive", {"group": columns["group"]})
    return precomputed_system(
        folder, truth=columns["truth"], answers={"answer": columns["answer"]}, sensitive=sensitive, **changes
    )


def measured(subject: Subject, run: InProcessRun | None = None, **parameters: int) -> Measurement:
    result = group_metrics.function(subject, GroupFairnessParameters(**parameters), run or InProcessRun())
    declared = {metric.id for metric in group_metrics.metrics}
    assert {metric.id for metric in result.metrics} <= declared
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


COMPAS = {"AfricanAmerican": (990, 805, 532, 1369), "Caucasian": (1139, 349, 461, 505)}
"""Larson, Mattu, Kirchner and Angwin 2016, two-way tables."""


def test_compas_as_published(tmp_path: Path) -> None:
    result = measured(system(tmp_path, people(**COMPAS)))
    assert float(metric(result, "false_positive_rate", "group=AfricanAmerican").value) == pytest.approx(
        0.4485, abs=5e-5
    )
    assert float(metric(result, "false_positive_rate", "group=Caucasian").value) == pytest.approx(0.2345, abs=5e-5)
    tpr_gap, fpr_gap = 1369 / 1901 - 505 / 966, 805 / 1795 - 349 / 1488
    assert float(metric(result, "true_positive_rate_gap").value) == pytest.approx(tpr_gap)
    assert float(metric(result, "false_positive_rate_gap").value) == pytest.approx(fpr_gap)
    odds = metric(result, "equalised_odds_difference")
    assert float(odds.value) == pytest.approx(max(tpr_gap, fpr_gap))
    assert odds.low is not None
    assert odds.low > 0.1  # proven
    ratio = metric(result, "selection_rate_ratio")
    assert float(ratio.value) == pytest.approx((854 / 2454) / (2174 / 3696))
    assert ratio.high is not None
    assert ratio.high < 0.8
    assert [control.passed for control in result.controls] == [True, True]


def test_equal_treatment_of_many_is_shown(tmp_path: Path) -> None:
    result = measured(system(tmp_path, people(a=(900, 100, 200, 800), b=(900, 100, 200, 800))))
    gap = metric(result, "true_positive_rate_gap")
    assert (gap.value, gap.low) == (0, 0)
    assert gap.high is not None
    assert gap.high < 0.1
    ratio = metric(result, "selection_rate_ratio")
    assert ratio.low is not None
    assert ratio.low > 0.8


def test_overall_is_the_worst_attribute_and_pairs_are_looked_at(tmp_path: Path) -> None:
    """Each attribute alone looks fair; together they single out groups that are never selected."""
    columns = people(a=(100, 0, 100, 0), b=(0, 100, 0, 100), c=(0, 100, 0, 100), d=(100, 0, 100, 0))
    first = ["F" if name in "ab" else "M" for name in columns["group"]]
    second = ["old" if name in "ac" else "young" for name in columns["group"]]
    result = measured(system(tmp_path, columns, sensitive={"sex": first, "age": second}))
    assert metric(result, "true_positive_rate_gap", "sex").value == 0
    assert metric(result, "true_positive_rate_gap", "age").value == 0
    assert metric(result, "true_positive_rate_gap", "age & sex").value == 1
    assert metric(result, "true_positive_rate_gap").value == 1
    assert metric(result, "selection_rate", "age=old & sex=F").value == 0


def test_small_groups_are_named_and_not_compared(tmp_path: Path) -> None:
    result = measured(system(tmp_path, people(a=(90, 10, 20, 80), b=(90, 10, 20, 80), c=(0, 0, 5, 0))))
    assert metric(result, "true_positive_rate_gap").value == 0
    [note] = [note for note in result.warnings if note.code == "small-groups"]
    assert "group=c: true positive rate (n = 5)" in note.text.en
    assert "group=c：真阳性率（n = 5）" in note.text.zh
    lenient = measured(
        system(tmp_path, people(a=(90, 10, 20, 80), b=(90, 10, 20, 80), c=(0, 0, 5, 0))), minimum_group_size=5
    )
    assert float(metric(lenient, "true_positive_rate_gap").value) == pytest.approx(0.8)


def test_nothing_to_compare_measures_nothing_and_is_not_believed(tmp_path: Path) -> None:
    result = measured(system(tmp_path, people(a=(90, 10, 20, 80), b=(3, 3, 3, 3))))
    assert "true_positive_rate_gap" not in {each.id for each in result.metrics}
    assert codes(result).count("nothing-to-compare") == 3
    assert {control.kind: control.passed for control in result.controls} == {"null": True, "planted": False}


def test_groups_too_small_for_the_planted_gap_are_not_believed(tmp_path: Path) -> None:
    result = measured(system(tmp_path, people(a=(40, 10, 15, 15), b=(40, 10, 15, 15))), minimum_group_size=20)
    [planted] = [control for control in result.controls if control.kind == "planted"]
    assert not planted.passed
    assert "30 positives" in planted.expected.en


def test_null_control_rarely_cries_wolf_even_on_an_unfair_system(tmp_path: Path) -> None:
    subject = system(tmp_path, people(a=(90, 10, 20, 80), b=(50, 50, 60, 40), c=(30, 10, 5, 45)))
    for seed in range(20):
        [null, _] = measured(subject, InProcessRun(seed=str(seed))).controls
        assert null.passed


def test_bounds_of_the_truth_hold_over_many_draws(tmp_path: Path) -> None:
    """Two equal groups and one whose true positive rate is 0.2 lower."""
    generator = np.random.default_rng(12)
    held = 0
    for draw in range(40):
        tables = {}
        for name, rate in (("a", 0.8), ("b", 0.8), ("c", 0.6)):
            found = int(generator.binomial(80, rate))
            tables[name] = (40, 40, 80 - found, found)
        folder = tmp_path / str(draw)
        folder.mkdir()
        gap = metric(measured(system(folder, people(**tables))), "true_positive_rate_gap")
        assert gap.low is not None
        assert gap.high is not None
        held += gap.low <= 0.2 <= gap.high
    assert held >= 38


def test_without_a_positive_class_nothing_is_measured(tmp_path: Path) -> None:
    result = measured(system(tmp_path, people(**COMPAS), positive=None))
    assert result.metrics == ()
    assert codes(result) == ["no-positive-class"]


def test_unbanded_attributes_are_refused(tmp_path: Path) -> None:
    columns = people(a=(30, 30, 30, 30))
    subject = system(tmp_path, columns, sensitive={"age": [str(row) for row in range(120)]})
    with pytest.raises(DataError, match="120 values"):
        measured(subject)


def test_group_counts_are_kept(tmp_path: Path) -> None:
    run = InProcessRun()
    measured(system(tmp_path, people(**COMPAS)), run)
    [table] = json.loads(run.kept["groups.json"])
    assert table["attributes"] == ["group"]
    caucasian = table["groups"][1]
    rates = caucasian.pop("rates")
    assert rates["positive_predictive_value"]["n"] == 854
    assert float(rates["positive_predictive_value"]["rate"]) == pytest.approx(505 / 854)
    assert float(rates["accuracy"]["low"]) < (1139 + 505) / 2454 < float(rates["accuracy"]["high"])
    assert caucasian == {
        "group": "group=Caucasian",
        "samples": 2454,
        "selected": 854,
        "positives": 966,
        "selected_positives": 505,
    }


def test_predictive_values_accuracy_and_kinds_of_errors(tmp_path: Path) -> None:
    result = measured(system(tmp_path, people(**COMPAS)))
    assert float(metric(result, "positive_predictive_value_gap").value) == pytest.approx(1369 / 2174 - 505 / 854)
    assert float(metric(result, "negative_predictive_value_gap").value) == pytest.approx(1139 / 1600 - 990 / 1522)
    assert float(metric(result, "accuracy_gap").value) == pytest.approx(1644 / 2454 - 2359 / 3696)
    assert float(metric(result, "treatment_equality_gap").value) == pytest.approx(461 / 810 - 532 / 1337)


def test_groups_that_certainly_differ_are_named(tmp_path: Path) -> None:
    fair = dict.fromkeys("abc", (50, 50, 40, 60))
    assert "groups-that-stand-out" not in codes(measured(system(tmp_path, people(**fair))))
    result = measured(system(tmp_path, people(**fair, d=(50, 50, 95, 5))))
    [note] = [note for note in result.warnings if note.code == "groups-that-stand-out"]
    assert "group=d: true positive rate below the others" in note.text.en
    assert "group=d：真阳性率低于其他群体" in note.text.zh
    assert "false positive" not in note.text.en


def test_thresholds_of_their_own_are_shown_for_the_attribute_with_the_largest_gap(tmp_path: Path) -> None:
    truth = ["yes", "no"] * 200
    group = ["a"] * 200 + ["b"] * 200
    score = [0.7 if row % 2 == 0 else 0.2 for row in range(200)] + [0.4 if row % 2 == 0 else 0.1 for row in range(200)]
    subject = precomputed_system(
        tmp_path,
        truth=truth,
        answers={"p_no": [1 - each for each in score], "p_yes": score},
        sensitive={"group": group},
    )
    run = InProcessRun()
    measured(subject, run)
    table = json.loads(run.kept["thresholds.json"])
    assert table["attribute"] == "group"
    assert [row["group"] for row in table["groups"]] == ["a", "b"]
    assert float(table["groups"][1]["threshold"]) == pytest.approx(0.4, abs=1e-6)
    assert (table["groups"][1]["accuracy_before"], table["groups"][1]["accuracy_after"]) == ("0.5", "1")


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    subject = system(tmp_path, people(**COMPAS))
    assert measured(subject) == measured(subject)
