"""Missing values are filled as declared, counted by column and group, and the model's errors on them are told apart."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.evaluation.readiness import readiness
from touchstone.errors import DataError, DescriptionError
from touchstone.system.subject import Subject

ROWS = 200


def rows(lost_at_south: float, seed: int = 0) -> str:
    """Class by the sign of `b`; of the rows of the southern site a share lacks `b`."""
    generator = np.random.default_rng(seed)
    lines = ["a,b,y,sex,place"]
    for number in range(ROWS):
        south = number % 2 == 1
        b = generator.normal()
        value = "" if south and generator.random() < lost_at_south else f"{b:.6f}"
        sex = "FM"[int(generator.integers(2))]
        lines.append(
            f"{generator.normal():.6f},{value},{'yes' if b > 0 else 'no'},{sex},{'south' if south else 'north'}"
        )
    return "\n".join(lines) + "\n"


def system(folder: Path, content: str, **declared: Any) -> Subject:
    test = data_set("test.csv", "csv", target="y", sensitive=["sex"], site="place", **declared)
    weights = np.array([[0, 0], [-9, 9]], dtype=np.float32)
    model = onnx.linear_classifier(weights, np.zeros(2, np.float32))
    description = describe(columns=["a", "b"], format_="onnx", file="model.onnx", output="logits", data={"test": test})
    return make(folder, description, {"model.onnx": model, "test.csv": content.encode()})


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    return readiness.function(subject, Parameters(), run or InProcessRun())


def test_a_site_that_loses_a_column_is_named(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = measured(system(tmp_path, rows(0.4), missing={"b": 0.0}), run)
    lost = metric(measurement, "missing_value_share", "test/b")
    assert 0.1 < lost.value < 0.3
    assert metric(measurement, "complete_row_share", "test").value == 1 - lost.value
    assert metric(measurement, "uneven_missingness", "test").value == 2  # more in the south is less in the north
    assert metric(measurement, "fragmented_columns", "test").value == 0
    assert codes(measurement) == ["missing-unevenly", "missing-unevenly"]
    assert "with place=south" in measurement.warnings[1].text.en
    listed = list(csv.DictReader(io.StringIO(run.kept["missing.csv"].decode())))
    assert {row["among"] for row in listed} == {"", "sex", "place", "class"}
    assert [control.passed for control in measurement.controls] == [True, True]


def test_a_column_that_a_site_never_records_is_a_fragment(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, rows(1.0), missing={"b": 0.0}))
    assert metric(measurement, "fragmented_columns", "test").value == 1


def test_the_model_is_seen_to_err_where_it_had_nothing_to_go_by(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, rows(0.5), missing={"b": 0.0}))
    filled = metric(measurement, "filled_row_error", "filled")
    complete = metric(measurement, "filled_row_error", "complete")
    assert filled.low is not None
    assert complete.high is not None
    assert filled.low > complete.high


def test_whole_data_are_said_to_be_whole(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, rows(0.0)))
    assert metric(measurement, "complete_row_share", "test").value == Decimal(1)
    assert metric(measurement, "uneven_missingness", "test").value == 0
    assert codes(measurement) == []


def test_the_fill_is_what_the_model_is_given(tmp_path: Path) -> None:
    data = system(tmp_path, "a,b,y,sex,place\n1,,no,F,n\n2,NA,yes,M,n\n3,4,yes,M,s\n", missing={"b": 0.25}).data("test")
    assert data.inputs.tolist() == [[1, 0.25], [2, 0.25], [3, 4]]
    assert data.missing is not None
    assert data.missing.tolist() == [[False, True], [False, True], [False, False]]


def test_a_column_not_declared_may_lack_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1, column a: is empty"):
        system(tmp_path, "a,b,y,sex,place\n,,no,F,n\n2,1,yes,M,n\n", missing={"b": 0.25}).data("test")


@pytest.mark.parametrize(("missing", "reason"), [({"c": 1.0}, "is not one of"), ({"b": float("inf")}, "b")])
def test_a_fill_that_cannot_be_is_refused(tmp_path: Path, missing: dict[str, float], reason: str) -> None:
    with pytest.raises(DescriptionError, match=reason):
        system(tmp_path, rows(0.0), missing=missing)
