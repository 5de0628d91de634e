"""The bracket of the adversarial check: proofs below, attacks above, and what the check says when they disagree."""

from __future__ import annotations

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
from touchstone.checks.declaration import Measurement  # noqa: E402
from touchstone.checks.system_resilience import bracket  # noqa: E402
from touchstone.checks.system_resilience.adversarial import adversarial  # noqa: E402
from touchstone.checks.system_resilience.declared_threat import AdversarialParameters  # noqa: E402
from touchstone.methods.certified import crown  # noqa: E402
from touchstone.records import Note, StoppingLimit  # noqa: E402
from touchstone.statistics import proportion_bounds  # noqa: E402
from touchstone.system.subject import Subject  # noqa: E402

pytestmark = pytest.mark.torch


def measured(subject: Subject, run: InProcessRun | None = None, **parameters: Any) -> Measurement:
    chosen = AdversarialParameters.model_validate({"queries": 30, **parameters})
    result = adversarial.function(subject, chosen, run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def note(measurement: Measurement, code: str) -> Note:
    [found] = [each for each in measurement.warnings if each.code == code]
    return found


def distances(subject: Subject) -> Any:
    """L∞ distance of every sample of :func:`white_picture_system` to the boundary."""
    x = subject.data("test").inputs.astype(np.float64)
    return np.abs((x[:, 0] * np.where(np.arange(4) < 2, 1.0, -1.0)).sum(axis=(1, 2))) / 24


def test_on_a_linear_network_proof_and_attack_meet(tmp_path: Path) -> None:
    """Both are exact there, so that certified and robust accuracy are the same share of the same samples."""
    subject = white_picture_system(tmp_path, gap=0.03, n=20)
    eps = int(9999 * np.median(distances(subject)))
    measurement = measured(subject, eps=f"{eps}/9999")
    certified, robust = metric(measurement, "certified_accuracy"), metric(measurement, "robust_accuracy")
    assert 0 < certified.value == robust.value < 1
    assert certified.n == 20
    bounds = proportion_bounds(int(certified.value * 20), 20, looks=1)
    assert (float(certified.low or 0), float(certified.high or 0)) == pytest.approx(bounds, abs=1e-6)
    assert all(control.passed for control in measurement.controls), measurement.controls
    told = note(measurement, "certified-bracket").text
    share = f"{float(certified.value):.1%}"
    assert f"exactly {share} of them are truly robust" in told.en
    assert f"恰占 {share}；" in told.zh


def test_a_graph_is_proven_like_declared_layers(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.1, n=30, shape=(1, 6, 4), output="logits"))
    assert metric(measurement, "certified_accuracy").value == 1
    assert metric(measurement, "certified_accuracy").method.endswith("/crown")


def test_columns_of_a_table_have_a_reach_of_their_own(tmp_path: Path) -> None:
    subject = table_system(tmp_path, [0.0, 1.0, 1.0], output="logits", n=60)
    layers = [{"kind": "linear", "name": "answer", "inputs": 3, "outputs": 2}]
    matrix = np.array([[0, 0, 0], [0, 4, 4]], dtype=np.float32)
    white = as_weights(subject, {"answer.weight": matrix, "answer.bias": np.zeros(2, np.float32)}, layers)
    measurement = measured(white, InProcessRun(budget="standard"))
    certified = metric(measurement, "certified_accuracy")
    assert certified.n == 60
    assert certified.value == metric(measurement, "robust_accuracy").value < 1


def test_a_broken_sample_that_is_proven_fails_the_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof that believes everything: found out on what was broken, and on what cannot be proven."""

    def believes_all(network: Any, x: Any, y: Any, ball: Any) -> crown.Margins:
        return crown.Margins(torch.ones(len(x), 2), torch.ones(len(x), dtype=torch.bool))

    monkeypatch.setattr(crown, "bound_margins", believes_all)
    measurement = measured(white_picture_system(tmp_path / "broken", gap=0.012, n=30), queries=200)
    null = measurement.controls[-1]
    assert not null.passed
    assert "5 of 5 broken samples proven; 2 of 2" in null.seen.en
    assert "certified_accuracy" not in [each.id for each in measurement.metrics]
    standing = measured(white_picture_system(tmp_path / "standing", gap=0.1, n=30))
    assert "0 of 0 broken samples proven; 2 of 2" in standing.controls[-1].seen.en
    assert not standing.controls[-1].passed


def test_a_proof_that_cannot_even_prove_radius_zero_fails_the_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crown, "SLACK", 1e6)
    measurement = measured(white_picture_system(tmp_path, gap=0.1, n=30))
    planted, null = measurement.controls[-2:]
    assert not planted.passed
    assert null.passed
    told = note(measurement, "certified-bracket").text
    assert f"of the first {bracket.PILOT} samples 0 are proven" in told.en
    assert "says nothing against the model" in told.en


def test_broken_samples_are_proofs_whatever_the_certificate_is_worth(tmp_path: Path) -> None:
    limit = StoppingLimit(metric="robust_accuracy", op=">=", value=Decimal("0.5"), bound="lower")
    measurement = measured(white_picture_system(tmp_path, gap=0.012, n=30), InProcessRun(limits=[limit]), queries=200)
    assert "certified_accuracy" not in [each.id for each in measurement.metrics]
    assert [control.kind for control in measurement.controls] == ["planted", "null"]


def test_what_cannot_be_proven_is_said_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soft = measured(picture_system(tmp_path / "a", gap=0.1, n=30, shape=(1, 6, 4), access="probabilities"))
    assert "no-certificate" not in codes(soft)  # a black box hides nothing that it did not promise
    monkeypatch.setattr(crown, "_AFFINE", ())
    strange = measured(white_picture_system(tmp_path / "b", gap=0.1, n=30))
    assert "CROWN does not take layer 1: Flatten" in note(strange, "no-certificate").text.en
    monkeypatch.undo()
    monkeypatch.setitem(bracket.OPERATIONS, "quick", 100)
    dear = measured(white_picture_system(tmp_path / "c", gap=0.1, n=30))
    assert "a larger budget" in note(dear, "no-certificate").text.en
