"""Values and pairs of the declared domain are counted; gaps are named; what nobody declared is not tested."""

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
from touchstone.checks.evaluation.coverage import coverage
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.subject import Subject

ROWS = """a,b,y,sex,place
1,15,no,F,north
1,25,yes,F,north
1,30,no,M,north
1,40,yes,M,south
1,22,yes,M,moon
"""
DOMAIN: dict[str, Any] = {"sex": ["F", "M", "X"], "place": ["north", "south"], "b": [10.0, 20.0, 30.0]}


def system(
    folder: Path, dimensions: dict[str, Any] | None, labels: tuple[str, ...] = ("no", "yes"), rows: str = ROWS
) -> Subject:
    declared = data_set("test.csv", "csv", target="y", sensitive=["sex"], site="place")
    model = onnx.linear_classifier(np.zeros((2, len(labels)), np.float32), np.zeros(len(labels), np.float32))
    description = describe(
        columns=["a", "b"], labels=list(labels), format_="onnx", file="model.onnx", data={"test": declared}
    )
    if dimensions is not None:
        description["operating_dimensions"] = dimensions
    return make(folder, description, {"model.onnx": model, "test.csv": rows.encode()})


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    return coverage.function(subject, Parameters(), run or InProcessRun())


def test_values_and_pairs_are_counted(tmp_path: Path) -> None:
    """Nine values, of which X is missing, and 6 + 4 + 4 + 6 + 6 + 4 pairs of class, sex, place and interval of b."""
    run = InProcessRun()
    measurement = measured(system(tmp_path, DOMAIN), run)
    assert metric(measurement, "single_value_coverage").value == Decimal("0.888888889")
    pairs = metric(measurement, "pairwise_coverage")
    assert pairs.n == 30
    listed = list(csv.DictReader(io.StringIO(run.kept["cells.csv"].decode())))
    assert len(listed) == 39
    count = {(row["dimension"], row["value"], row["second_value"]): int(row["rows"]) for row in listed}
    assert count["class", "yes", "M"] == 2
    assert count["place", "north", "M"] == 1
    assert count["b", "20 to 30", ""] == 3
    assert count["b", "10 to 20", "north"] == 1
    assert pairs.value == pytest.approx(Decimal(sum(v > 0 for k, v in count.items() if k[2])) / 30)
    assert metric(measurement, "min_samples_per_cell").value == 0
    assert [control.passed for control in measurement.controls] == [True, True]


def test_an_abstention_is_no_case_that_could_be_missing(tmp_path: Path) -> None:
    """Wherever it stands among the classes, the rows keep theirs; a class that merely never occurs is missing."""
    plain = measured(system(tmp_path / "plain", DOMAIN)).metrics
    assert measured(system(tmp_path / "first", DOMAIN, ("unknown", "no", "yes"))).metrics == plain
    assert measured(system(tmp_path / "last", DOMAIN, ("no", "yes", "Reject"))).metrics == plain
    maybe = measured(system(tmp_path / "maybe", DOMAIN, ("no", "yes", "maybe")))
    assert metric(maybe, "single_value_coverage").value == Decimal("0.8")


def test_cases_that_ought_to_be_left_unanswered_are_a_class(tmp_path: Path) -> None:
    """Nine values and the abstention, of which X and one answer are missing."""
    rows = ROWS.replace("1,40,yes", "1,40,unknown").replace(",yes,", ",no,")
    seen = measured(system(tmp_path, DOMAIN, ("no", "yes", "unknown"), rows))
    assert metric(seen, "single_value_coverage").value == Decimal("0.8")


def test_gaps_and_rows_outside_are_named(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, DOMAIN))
    assert codes(measurement) == ["gaps", "outside-the-domain"]
    gaps, outside = (note.text.en for note in measurement.warnings)
    assert "sex=X" in gaps
    assert outside.endswith("b: 1, place: 1")


def test_a_domain_nobody_declared_cannot_be_covered(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no dimensions"):
        measured(system(tmp_path, None))


@pytest.mark.parametrize("dimensions", [{"colour": ["red", "blue"]}, {"sex": ["F", "F"]}, {"b": ["low", "high"]}])
def test_a_dimension_that_is_none_is_named(tmp_path: Path, dimensions: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError, match="operating_dimensions"):
        measured(system(tmp_path, dimensions))
