"""The gradient attacks of the adversarial check: when it stops, what it audits, and what it leaves as evidence."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric  # noqa: E402
from tests.checks.system_resilience.systems import (  # noqa: E402
    as_weights,
    picture_system,
    table_system,
    white_picture_system,
)
from tests.system import onnx_writer as onnx  # noqa: E402
from touchstone.canonical import parse_json  # noqa: E402
from touchstone.checks.declaration import Measurement  # noqa: E402
from touchstone.checks.system_resilience.adversarial import adversarial  # noqa: E402
from touchstone.checks.system_resilience.declared_threat import AdversarialParameters  # noqa: E402
from touchstone.errors import UnavailableError  # noqa: E402
from touchstone.methods.attacks.gradient import rungs  # noqa: E402
from touchstone.records import StoppingLimit  # noqa: E402
from touchstone.statistics import proportion_bounds  # noqa: E402
from touchstone.system.models.handle import LayeredModel  # noqa: E402
from touchstone.system.models.onnx import OnnxModel  # noqa: E402
from touchstone.system.models.torch import TorchModel  # noqa: E402
from touchstone.system.subject import Subject, open_system  # noqa: E402
from touchstone.text import Text  # noqa: E402

pytestmark = pytest.mark.torch

ROBUST = StoppingLimit(metric="robust_accuracy", op=">=", value=Decimal("0.5"), bound="lower")
BLACK = StoppingLimit(metric="blackbox_asr", op="<=", value=Decimal("0.3"), bound="upper")


def measured(subject: Subject, run: InProcessRun | None = None, **parameters: Any) -> Measurement:
    chosen = AdversarialParameters.model_validate({"queries": 50, **parameters})
    result = adversarial.function(subject, chosen, run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def test_the_gradient_breaks_what_is_fragile_and_nothing_that_is_robust(tmp_path: Path) -> None:
    fragile = measured(white_picture_system(tmp_path / "fragile", gap=0.012, n=60), queries=200)
    assert metric(fragile, "whitebox_asr").value == 1
    assert metric(fragile, "robust_accuracy").value == 0
    robust = measured(white_picture_system(tmp_path / "robust", gap=0.06, n=60))
    assert metric(robust, "whitebox_asr").value == 0
    certified = ["planted", "null"]
    for measurement in (fragile, robust):
        assert [control.kind for control in measurement.controls] == [
            "planted",
            "null",
            "planted",
            "null",
            "null",
            *certified,
        ]
        assert all(control.passed for control in measurement.controls), measurement.controls
        assert {"upper-bound", "cost", "audit-shortened"} <= set(codes(measurement))


def test_a_limit_is_missed_at_the_first_look_by_quick_attacks_alone(tmp_path: Path) -> None:
    run = InProcessRun(limits=[ROBUST], budget="standard")
    measurement = measured(white_picture_system(tmp_path, gap=0.030, n=400), run, eps="6/255")
    assert metric(measurement, "robust_accuracy").n == 25
    report = parse_json(run.kept["attack_report.json"], "attack_report.json")
    assert not any(sample["audited"] for sample in report["samples"])
    assert len(measurement.controls) == 2
    assert report["cost"]["forward_and_backward"] < 25 * 45


@pytest.mark.parametrize("limit", [ROBUST, BLACK])
def test_a_limit_counts_as_met_only_after_the_survivors_were_audited(tmp_path: Path, limit: StoppingLimit) -> None:
    run = InProcessRun(limits=[limit])
    measurement = measured(white_picture_system(tmp_path, gap=0.06, n=200), run)
    assert metric(measurement, "robust_accuracy").n == 25
    report = parse_json(run.kept["attack_report.json"], "attack_report.json")
    assert all(sample["audited"] for sample in report["samples"])
    assert report["cost"]["samples_available"] == 200


def test_larger_budgets_want_more_samples_before_a_limit_counts_as_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from touchstone.checks.system_resilience import white_box

    monkeypatch.setitem(white_box.AUDITS, "standard", white_box.AUDITS["quick"])
    run = InProcessRun(limits=[ROBUST], budget="standard")
    measurement = measured(white_picture_system(tmp_path, gap=0.06, n=200), run)
    assert metric(measurement, "robust_accuracy").n == 100


def test_what_only_the_audit_breaks_forbids_the_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick attacks that find nothing, and a search too short to: the audit has to find it all."""
    monkeypatch.setattr(rungs, "QUICK", ())
    run = InProcessRun(limits=[ROBUST])
    measurement = measured(white_picture_system(tmp_path, gap=0.024, n=120), run, queries=10)
    assert metric(measurement, "robust_accuracy").value < Decimal("0.1")
    assert metric(measurement, "robust_accuracy").n == 25
    broken = parse_json(run.kept["attack_report.json"], "attack_report.json")["broken"]
    assert {find["attack"] for find in broken if find["knowledge"] == "gradient"} == {"apgd-ce x100".replace(" ", "")}


def test_many_survivors_are_audited_in_part_and_the_bounds_pay_for_it(tmp_path: Path) -> None:
    measurement = measured(white_picture_system(tmp_path, gap=0.06, n=200), queries=10)
    white = metric(measurement, "whitebox_asr")
    assert (white.value, white.n) == (0, 200)
    # Four looks (25, 50, 100, 200), each with two ways to answer, of which this one makes two statements.
    assert white.method == "clopper-pearson/8-looks/audit-of-60"
    quick, missed = (proportion_bounds(0, n, looks=16)[1] for n in (200, 60))
    assert float(white.high or 0) == pytest.approx(quick + (1 - quick) * missed)
    assert float(metric(measurement, "robust_accuracy").low or 0) == pytest.approx(1 - float(white.high or 0))
    assert "audited-in-part" in codes(measurement)


def test_all_are_audited_when_the_part_leaves_the_limit_open(tmp_path: Path) -> None:
    strict = StoppingLimit(metric="robust_accuracy", op=">=", value=Decimal("0.96"), bound="lower")
    run = InProcessRun(limits=[strict])
    measurement = measured(white_picture_system(tmp_path, gap=0.06, n=200), run, queries=10)
    assert metric(measurement, "robust_accuracy").n == 200
    assert metric(measurement, "robust_accuracy").method == "clopper-pearson/8-looks"
    report = parse_json(run.kept["attack_report.json"], "attack_report.json")
    assert all(sample["audited"] for sample in report["samples"])


def rounding(model: TorchModel) -> Callable[[Any], Any]:
    """The model behind a filter that leaves 8 levels of brightness, and with them no slope."""
    return lambda x: model._scores_of_tensor(torch.round(x * 8) / 8)


def test_a_masked_gradient_forbids_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TorchModel, "differentiable", rounding)
    monkeypatch.setattr(TorchModel, "_run", behind_a_filter(TorchModel._run))
    measurement = measured(white_picture_system(tmp_path, gap=0.125, n=40), queries=300)
    assert metric(measurement, "whitebox_asr").value > Decimal("0.3")  # the audit holds a random search
    assert not measurement.controls[4].passed
    assert "gradients-masked" in codes(measurement)


def test_broken_samples_are_proofs_whatever_the_gradient_is_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TorchModel, "differentiable", rounding)
    monkeypatch.setattr(TorchModel, "_run", behind_a_filter(TorchModel._run))
    limit = StoppingLimit(metric="blackbox_asr", op="<=", value=Decimal("0.05"), bound="upper")
    run = InProcessRun(limits=[limit])
    measurement = measured(white_picture_system(tmp_path, gap=0.125, n=40), run, queries=300)
    assert (metric(measurement, "blackbox_asr").low or 0) > Decimal("0.05")
    assert [control.kind for control in measurement.controls] == ["planted", "null"]


def behind_a_filter(run: Callable[[TorchModel, Any], Any]) -> Callable[[TorchModel, Any], Any]:
    return lambda model, x: run(model, torch.round(x * 8) / 8)


def test_the_evidence_is_verified_by_one_question_each(tmp_path: Path) -> None:
    run = InProcessRun()
    subject = white_picture_system(tmp_path, gap=0.024, n=60)
    measured(subject, run, eps="4/255")
    saved = np.load(io.BytesIO(run.kept["adversarial_examples.npz"]), allow_pickle=False)
    report = parse_json(run.kept["attack_report.json"], "attack_report.json")
    model = subject.model()
    assert (model.labels(saved["adversarial"]) == saved["answer"]).all()
    assert (model.labels(saved["original"]) == saved["target"]).all()
    assert (np.abs(saved["adversarial"].astype(np.float64) - saved["original"]) <= 4 / 255).all()
    gradient = [find for find in report["broken"] if find["knowledge"] == "gradient"]
    assert len(gradient) == sum(sample["broken_by_gradient"] for sample in report["samples"]) > 0
    for find in gradient:
        assert find["step"] >= 0
        assert int(find["seed"]) > 0
        assert saved["row"][find["place_in_arrays"]] == find["row"]


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (
        measured(white_picture_system(tmp_path / str(i), gap=0.024, n=40), run) for i, run in enumerate(runs)
    )
    assert first == second
    assert runs[0].kept == runs[1].kept


def test_the_gradient_feeds_the_curve(tmp_path: Path) -> None:
    measurement = measured(white_picture_system(tmp_path, gap=0.024, n=40), queries=10)
    curve = [metric(measurement, "attack_success_at_eps", f"eps={radius}/255").value for radius in (1, 2, 4, 8)]
    assert curve == sorted(curve)
    assert (curve[0], curve[3]) == (0, 1)
    assert curve[2] > metric(measurement, "blackbox_asr").value


@pytest.mark.parametrize(("norm", "dual"), [("l2", 24**0.5), ("l1", 1.0)])
def test_other_norms_break_exactly_what_they_reach(tmp_path: Path, norm: str, dual: float) -> None:
    """Distance to the boundary: |w·x + b| over the dual norm of weights of ±1."""
    subject = white_picture_system(tmp_path, gap=0.02, n=40)
    x = subject.data("test").inputs.astype(np.float64)
    side = np.where(np.arange(4) < 2, 1.0, -1.0)
    distance = np.abs((x[:, 0] * side).sum(axis=(1, 2))) / dual
    middle = int(1000 * np.median(distance)) + 0.5
    run = InProcessRun()
    measurement = measured(subject, run, norm=norm, eps=f"{int(10 * middle)}/9999")
    reached = (distance < int(10 * middle) / 9999).mean()
    assert float(metric(measurement, "whitebox_asr").value) == pytest.approx(reached, abs=0.05)
    assert all(control.passed for control in measurement.controls[2:]), measurement.controls
    saved = np.load(io.BytesIO(run.kept["adversarial_examples.npz"]), allow_pickle=False)
    delta = (saved["adversarial"].astype(np.float64) - saved["original"]).reshape(len(saved["row"]), -1)
    assert (np.linalg.norm(delta, ord=2 if norm == "l2" else 1, axis=1) <= int(10 * middle) / 9999).all()


def test_a_table_knows_one_norm(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="one unit"):
        measured(table_system(tmp_path, [0.0, 1.0, 1.0]), norm="l2")


def test_a_table_moves_only_its_continuous_columns(tmp_path: Path) -> None:
    subject = table_system(tmp_path, [0.0, 1.0, 1.0], output="logits")
    data = subject.data("test").inputs
    layers = [{"kind": "linear", "name": "answer", "inputs": 3, "outputs": 2}]
    matrix = np.array([[0, 0, 0], [0, 4, 4]], dtype=np.float32)
    white = as_weights(subject, {"answer.weight": matrix, "answer.bias": np.zeros(2, np.float32)}, layers)
    measurement = measured(white, queries=200)
    reach = 0.05 * np.subtract(*np.quantile(data[:, 1:], [0.75, 0.25], axis=0)).sum()
    near = (np.abs(data[:, 1] + data[:, 2]) < reach).mean()
    assert float(metric(measurement, "whitebox_asr").value) == pytest.approx(near, abs=1e-9)
    assert all(control.passed for control in measurement.controls), measurement.controls


def test_a_graph_that_cannot_be_followed_is_attacked_as_a_black_box_and_told(tmp_path: Path) -> None:
    subject = picture_system(tmp_path, gap=0.012, n=40, shape=(1, 6, 4), output="logits")
    side = np.ones((6, 4), dtype=np.float32)
    side[:, 2:] = -1
    matrix = np.stack([np.zeros(24), side.ravel()], axis=1).astype(np.float32)
    nodes = [
        onnx.node("Flatten", ["x"], ["flat"], onnx.integer_attribute("axis", 1)),
        onnx.node("MatMul", ["flat", "W"], ["z"]),
        onnx.node("Hardmax", ["z"], ["h"]),
        onnx.node("Mul", ["h", "nothing"], ["added"]),
        onnx.node("Add", ["z", "added"], ["y"]),
    ]
    parts = [onnx.tensor("W", matrix), onnx.tensor("nothing", np.zeros(1, dtype=np.float32))]
    graph = onnx.graph(nodes, [onnx.value("x", ["n", 1, 6, 4])], [onnx.value("y", ["n", 2])], parts)
    (subject.root / "model.onnx").write_bytes(onnx.model(graph))
    measurement = measured(open_system(subject.root), queries=200)
    assert {m.id for m in measurement.metrics} >= {"blackbox_asr", "robust_accuracy"}
    assert "whitebox_asr" not in {m.id for m in measurement.metrics}
    assert metric(measurement, "blackbox_asr").value > Decimal("0.8")
    [note] = [note for note in measurement.warnings if note.code == "no-gradients"]
    assert "Hardmax" in note.text.en


def test_a_second_reading_that_contradicts_the_model_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OnnxModel, "confirm_gradients", lambda self, x: Text("the answers differ", "输出不一致"))
    measurement = measured(picture_system(tmp_path, gap=0.012, n=40, shape=(1, 6, 4), output="logits"))
    assert "whitebox_asr" not in {m.id for m in measurement.metrics}
    [note] = [note for note in measurement.warnings if note.code == "no-gradients"]
    assert "the answers differ" in note.text.en


def test_the_model_and_the_random_numbers_of_others_stay_as_they_are(tmp_path: Path) -> None:
    subject = white_picture_system(tmp_path, gap=0.024, n=30)
    model = subject.model()
    assert isinstance(model, LayeredModel)
    network = model.network()
    before, modes = torch.random.get_rng_state(), [module.training for module in network.modules()]
    weights = [parameter.clone() for parameter in network.parameters()]
    measured(subject)
    assert torch.equal(before, torch.random.get_rng_state())
    assert modes == [module.training for module in network.modules()]
    for parameter, old in zip(network.parameters(), weights, strict=True):
        assert parameter.grad is None
        assert torch.equal(parameter, old)
