"""Sets from one source are not told apart; a shifted column is found, named and measured."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.evaluation.test_contamination import numbers, scenes
from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.evaluation.drift import drift
from touchstone.errors import UnavailableError
from touchstone.methods.data_quality.drift import column_drift, told_apart
from touchstone.system.subject import Subject

PICTURES: dict[str, Any] = {"kind": "image", "shape": [1, 24, 24], "low": 0.0, "high": 1.0}


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = drift.function(subject, Parameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    assert [(control.kind, control.passed) for control in result.controls] == [("null", True), ("planted", True)]
    return result


def test_sets_of_one_source_are_not_told_apart(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    measurement = measured(numbers(tmp_path, generator.normal(size=(300, 6)), generator.normal(size=(400, 6))))
    found = metric(measurement, "domain_auc", "train/test")
    assert found.low is not None
    assert float(found.low) < 0.5
    assert metric(measurement, "drifted_column_share", "train/test").value == 0
    assert codes(measurement) == []


def test_a_shifted_column_is_named(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    test, train = generator.normal(size=(300, 6)), generator.normal(size=(400, 6))
    test[:, 4] += 1.0
    run = InProcessRun()
    measurement = measured(numbers(tmp_path, test, train), run)
    assert codes(measurement) == ["sets-differ"]
    first = next(csv.DictReader(io.StringIO(run.kept["columns.csv"].decode())))
    assert (first["column"], first["drifted"]) == ("c4", "1")
    assert float(first["distance"]) == pytest.approx(0.38, abs=0.1)
    assert float(metric(measurement, "drifted_column_share", "train/test").value) == pytest.approx(1 / 6)


def test_darker_pictures_are_told_apart(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    run = InProcessRun()
    measured(numbers(tmp_path, 0.7 * scenes(generator, 150), scenes(generator, 150), **PICTURES), run)
    drifted = [
        row["column"] for row in csv.DictReader(io.StringIO(run.kept["columns.csv"].decode())) if row["drifted"] == "1"
    ]
    assert "brightness of channel 0" in drifted


def test_few_rows_are_said(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="40 rows"):
        measured(numbers(tmp_path, np.eye(6), np.eye(6)))


def test_chance_is_hardly_ever_called_drift() -> None:
    false_columns = false_sets = 0
    for seed in range(15):
        generator = np.random.default_rng(seed)
        one, other = (generator.normal(size=(80, 5)).astype(np.float32) for _ in range(2))
        false_columns += bool(column_drift(one, other).drifted.any())
        false_sets += told_apart(one, other, generator).low > 0.5
    assert false_columns <= 1
    assert false_sets <= 3
