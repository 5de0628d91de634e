"""Answers that change, and do not, with a sensitive attribute that is a column of the input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Measurement
from touchstone.checks.governance.counterfactual import changes
from touchstone.checks.governance.group_fairness import GroupFairnessParameters, group_metrics
from touchstone.statistics import proportion_bounds


def measured(folder: Path, weights: tuple[float, float, float], *, ages: int = 2) -> Measurement:
    """A table of income (uniform on ±1), sex (0 or 1) and age; answered yes where the weighted sum is positive."""
    generator = np.random.default_rng(17)
    income, sex = generator.uniform(-1, 1, 400), generator.integers(0, 2, 400)
    age = generator.integers(0, ages, 400)
    rows = "".join(f"{a:.6f},{b},{c},{'yes' if a > 0 else 'no'}\n" for a, b, c in zip(income, sex, age, strict=True))
    description = describe(
        columns=["income", "sex", "age"],
        format_="onnx",
        file="model.onnx",
        data={"test": data_set("test.csv", "csv", target="approved", sensitive=["sex", "age"])},
    )
    description["model"]["output"]["positive"] = "yes"
    matrix = np.stack([np.zeros(3), weights], axis=1).astype(np.float32)
    files = {
        "model.onnx": onnx.linear_classifier(matrix, np.zeros(2, dtype=np.float32)),
        "test.csv": f"income,sex,age,approved\n{rows}".encode(),
    }
    return group_metrics.function(make(folder, description, files), GroupFairnessParameters(), InProcessRun())


def test_a_model_that_ignores_the_attributes(tmp_path: Path) -> None:
    result = measured(tmp_path, (1.0, 0.0, 0.0))
    for attribute in ("sex", "age", None):
        share = metric(result, "counterfactual_flip_share", attribute)
        assert (share.value, share.low, share.n) == (0, 0, 400)
        assert float(share.high or 0) == pytest.approx(proportion_bounds(0, 400)[1], abs=1e-6)
    assert len(result.controls) == 4
    assert all(control.passed for control in result.controls)


def test_a_model_that_looks_at_one_of_them(tmp_path: Path) -> None:
    """Half a point of income for one sex: answers change where income is between -0.5 and 0, a quarter of all."""
    result = measured(tmp_path, (1.0, 0.5, 0.0))
    share = metric(result, "counterfactual_flip_share", "sex")
    assert share.low is not None
    assert share.high is not None
    assert share.low < 0.25 < share.high
    assert metric(result, "counterfactual_flip_share", "age").value == 0
    overall = metric(result, "counterfactual_flip_share")
    assert (overall.value, overall.high) == (share.value, share.high)
    assert overall.low is not None
    assert 0 < overall.low < share.low


def test_an_attribute_of_many_values_is_not_exchanged(tmp_path: Path) -> None:
    result = measured(tmp_path, (1.0, 0.5, 0.0), ages=30)
    assert "attribute-not-exchanged" in codes(result)
    assert {each.slice for each in result.metrics if each.id == "counterfactual_flip_share"} == {None, "sex"}


def test_any_other_value_counts() -> None:
    x = np.array([[0, 1], [1, 1], [2, 1]], dtype=np.float32)
    values = np.array([0, 1, 2], dtype=np.float32)
    assert changes(lambda rows: rows[:, 0] > 1, x, 0, values).all()
    assert not changes(lambda rows: rows[:, 1] > 0, x, 0, values).any()
