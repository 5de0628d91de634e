"""Explanations of systems whose reasons are known, are nothing, or waver; as a black box and as a white one."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays, picture_system, table_system
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.explanation import faithfulness
from touchstone.checks.governance.explanation_controls import random_order_control
from touchstone.records import StoppingLimit
from touchstone.system.subject import Subject

LIMITS = [
    StoppingLimit(metric="deletion_gain_over_random", op=">=", value=Decimal("0.1"), bound="lower"),
    StoppingLimit(metric="stability_rank_correlation", op=">=", value=Decimal("0.6"), bound="lower"),
]


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = faithfulness.function(subject, Parameters(), run or InProcessRun(limits=LIMITS))
    assert {each.id for each in result.metrics} <= {each.id for each in faithfulness.metrics}
    assert all(METHOD_CODE.fullmatch(each.method) for each in result.metrics)
    assert all(each.low <= each.value <= each.high for each in result.metrics)
    return result


def asked_only(folder: Path, weights: list[float], **rest) -> Subject:
    return table_system(folder, weights, access="probabilities", **rest)


def test_a_table_whose_reason_is_one_column(tmp_path: Path) -> None:
    """Only c2 decides: its deletion is the whole fall, and the accuracy rests on it and on nothing else."""
    run = InProcessRun()
    result = measured(asked_only(tmp_path, [0.0, 0.0, 3.0, 0.0, 0.0]), run)
    gain = metric(result, "deletion_gain_over_random")
    assert gain.low > Decimal("0.2")
    assert metric(result, "insertion_gain_over_random").low > Decimal("0.2")
    importance = metric(result, "global_importance", "c2")
    assert importance.low > Decimal("0.3")
    assert all(metric(result, "global_importance", f"c{column}").value == 0 for column in (0, 1, 3, 4))
    assert [control.passed for control in result.controls] == [True, True]
    assert codes(result) == ["no-gradients"]
    table = json.loads(run.kept["explanations.json"])
    assert max(table["shapley"], key=lambda row: float(row["mean_size"]))["part"] == "c2"


def test_a_steady_table_passes_early(tmp_path: Path) -> None:
    result = measured(asked_only(tmp_path, [0.0, 2.0, -1.0, 0.5, 0.25, 0.1]))
    stability = metric(result, "stability_rank_correlation")
    assert stability.low > Decimal("0.6")
    assert stability.n < 200
    assert metric(result, "seed_rank_correlation").low > Decimal("0.5")
    assert metric(result, "method_agreement", "method=occlusion").low > Decimal("0.5")
    assert metric(result, "changed_explanations").value == 0


def test_a_constant_answer_has_no_reasons(tmp_path: Path) -> None:
    """Nothing gains over chance, no part is told from another, and yet the controls work."""
    result = measured(picture_system(tmp_path, gap=0.4, truth="constant", access="probabilities"))
    assert abs(metric(result, "deletion_gain_over_random").value) < Decimal("1e-9")
    assert metric(result, "stability_rank_correlation").value == 0
    assert [control.passed for control in result.controls] == [True, True]


def wavering_system(folder: Path) -> Subject:
    """Each of six columns is added to the log-odds as `sin(200 x)`: what counts changes with every breath."""
    x = np.random.default_rng(6).uniform(-1, 1, size=(120, 6)).astype(np.float32)
    y = (np.sin(200 * x).sum(axis=1) > 0).astype(np.int64)
    nodes = [
        onnx.node("Mul", ["x", "often"], ["fast"]),
        onnx.node("Sin", ["fast"], ["waves"]),
        onnx.node("Gemm", ["waves", "W"], ["z"]),
        onnx.node("Softmax", ["z"], ["y"], onnx.integer_attribute("axis", 1)),
    ]
    matrix = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (6, 1))
    parts = [onnx.tensor("often", np.full((1,), 200, dtype=np.float32)), onnx.tensor("W", matrix)]
    model = onnx.model(onnx.graph(nodes, [onnx.value("x", ["n", 6])], [onnx.value("y", ["n", 2])], parts))
    description = describe(
        columns=[f"c{index}" for index in range(6)],
        format_="onnx",
        file="model.onnx",
        access="probabilities",
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
    )
    return make(folder, description, {"model.onnx": model, "test.npz": arrays(x, y)})


def test_explanations_that_waver_are_faithful_and_not_steady(tmp_path: Path) -> None:
    result = measured(wavering_system(tmp_path))
    assert metric(result, "deletion_gain_over_random").low > Decimal("0.1")
    assert metric(result, "stability_rank_correlation").high < Decimal("0.6")
    assert metric(result, "changed_explanations").low > Decimal("0.3")


def test_pictures_are_explained_and_shown(tmp_path: Path) -> None:
    run = InProcessRun(limits=LIMITS)
    result = measured(picture_system(tmp_path, gap=0.02, access="probabilities", layout="HWC", shape=(12, 10, 3)), run)
    assert len(json.loads(run.kept["explanations.json"])["occlusion"]) == 64
    assert not any(each.id == "global_importance" for each in result.metrics)
    assert run.kept["explanations.png"].startswith(b"\x89PNG")
    assert [control.passed for control in result.controls] == [True, True]


def test_persons_are_not_shown(tmp_path: Path) -> None:
    run = InProcessRun(limits=LIMITS)
    measured(picture_system(tmp_path, gap=0.02, access="probabilities", personal=True), run)
    assert list(run.kept) == ["explanations.json"]


def test_whole_numbers_do_not_waver(tmp_path: Path) -> None:
    subject = asked_only(tmp_path, [1.0])
    result = measured(subject)
    assert "nothing-wavers" in codes(result)
    assert not any(each.id == "stability_rank_correlation" for each in result.metrics)


def test_the_same_run_measures_the_same(tmp_path: Path) -> None:
    subject = asked_only(tmp_path, [0.0, 1.0, -2.0])
    assert measured(subject).metrics == measured(subject).metrics


def test_a_series_is_explained_by_stretches(tmp_path: Path) -> None:
    """The second channel decides, in its first half."""
    generator = np.random.default_rng(9)
    x = generator.normal(size=(100, 2, 16)).astype(np.float32)
    weights = np.zeros((2, 16), dtype=np.float32)
    weights[1, :8] = 1
    y = ((x * weights).sum(axis=(1, 2)) > 0).astype(np.int64)
    nodes = [
        onnx.node("Flatten", ["x"], ["flat"], onnx.integer_attribute("axis", 1)),
        onnx.node("MatMul", ["flat", "W"], ["z"]),
        onnx.node("Softmax", ["z"], ["y"], onnx.integer_attribute("axis", 1)),
    ]
    matrix = np.stack([-weights.ravel(), weights.ravel()], axis=1)
    graph = onnx.graph(nodes, [onnx.value("x", ["n", 2, 16])], [onnx.value("y", ["n", 2])], [onnx.tensor("W", matrix)])
    description = describe(
        kind="timeseries",
        shape=[2, 16],
        format_="onnx",
        file="model.onnx",
        access="probabilities",
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
    )
    run = InProcessRun(limits=LIMITS)
    result = measured(make(tmp_path, description, {"model.onnx": onnx.model(graph), "test.npz": arrays(x, y)}), run)
    assert metric(result, "deletion_gain_over_random").low > Decimal("0.1")
    table = json.loads(run.kept["explanations.json"])["occlusion"]
    counting = {row["part"] for row in table if float(row["mean_size"]) > 0}
    assert counting == {f"1/{time}" for time in range(8)}


def test_a_gain_by_lot_is_no_gain_and_a_real_one_fails_the_null() -> None:
    generator = np.random.default_rng(0)
    assert random_order_control(generator.uniform(-0.3, 0.3, size=100)).passed
    assert not random_order_control(generator.uniform(0.0, 0.6, size=100)).passed


def test_methods_that_find_nothing_fail_the_planted_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from touchstone.checks.governance.explainer import Explainer

    monkeypatch.setattr(
        Explainer, "explain", lambda self, method, x, y, dice: dice.normal(size=(len(x), self.parts.count))
    )
    result = measured(asked_only(tmp_path, [0.0, 2.0, -1.0, 0.5]))
    assert {control.kind: control.passed for control in result.controls} == {"null": True, "planted": False}
    assert metric(result, "deletion_gain_over_random").low <= 0
