"""`collab.session` on networks: their own kind is trained and inverted, by matching where no ratio is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.data_security.test_collaboration import ALL_ROUNDS, measured, system
from tests.checks.running import codes, metric
from touchstone.checks.declaration import Measurement

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def network(*, biases: bool) -> tuple[str, bytes, dict[str, Any]]:
    """Six columns, eight hidden units, two classes."""
    import safetensors.numpy

    generator = np.random.default_rng(0)
    tensors = {"0.weight": generator.normal(size=(8, 6)), "2.weight": generator.normal(size=(2, 8))}
    if biases:
        tensors |= {"0.bias": np.zeros(8), "2.bias": np.zeros(2)}
    layers = [
        {"kind": "linear", "name": "0", "inputs": 6, "outputs": 8},
        {"kind": "relu"},
        {"kind": "linear", "name": "2", "inputs": 8, "outputs": 2},
    ]
    content = safetensors.numpy.save({name: tensor.astype(np.float32) for name, tensor in tensors.items()})
    return "safetensors", content, {"architecture": layers}


def said(found: Measurement, code: str) -> str:
    (note,) = [each for each in found.warnings if each.code == code]
    return note.text.en


def test_a_network_is_trained_and_inverted_as_it_is(tmp_path: Path) -> None:
    found = measured(system(tmp_path, model=network(biases=True), register_of=ALL_ROUNDS, local_steps=1, rounds=10))
    assert (
        metric(found, "inversion_success").value
        == metric(found, "inversion_success", "ratios of the first dense layer").value
    )
    assert "the model's own architecture" in said(found, "federation-simulated")
    assert all(control.passed for control in found.controls)


def test_without_biases_matching_is_tried_on_few_rows_and_not_on_many(tmp_path: Path) -> None:
    alone: dict[str, Any] = {"server_sees": "updates", "local_steps": 1, "rounds": 10}
    few = measured(system(tmp_path / "few", model=network(biases=False), batch_size=1, **alone))
    assert metric(few, "inversion_success").n == metric(few, "inversion_success", "gradient matching").n == 3
    many = measured(system(tmp_path / "many", model=network(biases=False), batch_size=16, **alone))
    assert "inversion-not-measured" in codes(many)
    assert "too many for gradient matching" in said(many, "inversion-not-measured")
