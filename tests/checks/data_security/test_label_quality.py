"""Wrong labels are counted with bounds that hold, the worst are listed, and people's agreement is measured."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.checks.data_security.label_quality import label_quality
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.errors import DataError, UnavailableError
from touchstone.system.subject import Subject

NAMES = ("no", "yes")


def system(
    folder: Path, *, wrong: float = 0.0, n: int = 600, readers: str | None = None, vetted: bool = False
) -> Subject:
    """Two classes four spreads apart; a share of the labels of the test data is wrong, none of the reference data."""
    generator = np.random.default_rng(9)

    def rows(size: int, share: float) -> bytes:
        truth = generator.integers(0, 2, size)
        x = generator.normal(size=(size, 3)) + 4 * truth[:, None] * np.array([1, 0, 0])
        given = truth ^ (generator.random(size) < share)
        first, second = (truth ^ (generator.random(size) < 0.02) for _ in range(2))
        lines = ["a,b,c,y,first,second"]
        for number in range(size):
            people = (
                ["", NAMES[second[number]]]
                if readers == "gaps" and number % 5 == 0
                else [NAMES[first[number]], NAMES[second[number]]]
            )
            if readers == "wrong" and number == 7:
                people[1] = "perhaps"
            lines.append(",".join([*map(str, x[number]), NAMES[given[number]], *people]))
        return "\n".join(lines).encode()

    files = {"test.csv": rows(n, wrong)}
    rest: dict[str, Any] = {"annotations": ["first", "second"]} if readers else {}
    data = {"test": data_set("test.csv", "csv", target="y", **rest)}
    if vetted:
        files["reference.csv"] = rows(300, 0.0)
        data["reference"] = data_set("reference.csv", "csv", target="y")
    model = onnx.linear_classifier(np.zeros((3, 2), np.float32), np.zeros(2, np.float32))
    description = describe(columns=["a", "b", "c"], format_="onnx", file="model.onnx", data=data)
    return make(folder, description, {"model.onnx": model, **files})


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = label_quality.function(subject, Parameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def test_right_labels_are_left_alone(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, vetted=True))
    error = metric(measurement, "estimated_label_error")
    assert float(error.value) < 0.02
    assert error.low == 0
    assert [(control.kind, control.passed) for control in measurement.controls] == [("null", True), ("planted", True)]
    assert codes(measurement) == ["annotations-not-declared"]


def test_wrong_labels_are_counted_and_listed(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = measured(system(tmp_path, wrong=0.1, vetted=True), run)
    error = metric(measurement, "estimated_label_error")
    assert float(error.value) == pytest.approx(0.1, abs=0.03)
    assert error.low is not None
    assert error.high is not None
    assert 0.03 < float(error.low) <= 0.1 <= float(error.high) < 0.2
    rows = list(csv.DictReader(io.StringIO(run.kept["doubtful_labels.csv"].decode())))
    assert 40 < len(rows) < 90
    assert all(row["likelier"] != row["label"] for row in rows)


def test_without_vetted_rows_the_estimate_is_an_upper_one(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, wrong=0.1))
    assert "nothing-vouched" in codes(measurement)
    assert metric(measurement, "estimated_label_error").low is not None


@pytest.mark.parametrize("readers", ["all", "gaps"])
def test_agreement_of_people_is_measured(tmp_path: Path, readers: str) -> None:
    """Each errs in 2 % of the rows, so that they differ in 3.9 %: alpha is 1 - 0.039 / 0.5."""
    alpha = metric(measured(system(tmp_path, readers=readers)), "krippendorff_alpha")
    assert float(alpha.value) == pytest.approx(0.92, abs=0.04)
    assert alpha.low is not None
    assert 0.7 < float(alpha.low) < float(alpha.value)
    assert alpha.n == (600 if readers == "all" else 480)


def test_a_label_nobody_declared_is_named_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 8, column second"):
        measured(system(tmp_path, readers="wrong"))


def test_too_few_rows_are_said(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="50 labelled rows"):
        measured(system(tmp_path, n=50))
