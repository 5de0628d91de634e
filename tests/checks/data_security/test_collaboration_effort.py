"""What an attack on joint training may cost: never more than there is time for, whatever the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.data_security.test_collaboration import ALL_ROUNDS, measured, system
from tests.checks.data_security.test_collaboration_of_networks import network, said
from tests.checks.running import codes, metric
from touchstone.checks.data_security import collaboration_effort as effort
from touchstone.methods.federated.learner import SoftmaxRegression
from touchstone.records import Budget


@given(st.sampled_from(effort.LEVELS), st.floats(0, 1e6))
def test_what_is_afforded_is_no_more_than_was_asked_for_and_fits(budget: Budget, second: float) -> None:
    cost: dict[Budget, float] = {"quick": second, "standard": 10 * second, "full": 100 * second}
    level = effort.affordable(budget, cost.__getitem__)
    if level is None:
        assert cost["quick"] > effort.SECONDS[budget]
    else:
        assert effort.LEVELS.index(level) >= effort.LEVELS.index(budget)
        assert cost[level] <= effort.SECONDS[budget]


def test_a_larger_model_and_more_rows_cost_more() -> None:
    small, large = SoftmaxRegression(10, 2), SoftmaxRegression(100_000, 20)
    rows = np.zeros((1, 10))
    assert effort.gradient_seconds(small, rows, 1) < effort.gradient_seconds(small, rows, 1_000)
    assert effort.gradient_seconds(small, rows, 1) < effort.gradient_seconds(large, rows, 1)


@pytest.mark.torch
def test_a_network_that_is_too_large_is_not_attacked_for_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(effort.SECONDS, "quick", 0.01)
    biased = measured(system(tmp_path / "biases", model=network(biases=True), register_of=ALL_ROUNDS, rounds=10))
    assert "too large" in said(biased, "inversion-not-measured")
    assert "softmax regression in its place" in said(biased, "federation-simulated")
    assert metric(biased, "min_cohort").value == 10
    bare = measured(
        system(tmp_path / "none", model=network(biases=False), server_sees="updates", local_steps=1, batch_size=1)
    )
    assert "inversion-not-measured" in codes(bare)
    assert "too large for gradient matching" in said(bare, "inversion-not-measured")


@pytest.mark.torch
def test_a_convolution_uses_its_weights_at_every_place() -> None:
    torch = pytest.importorskip("torch")
    from touchstone.methods.federated.network import NetworkLearner

    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(32, 3))
    learner = NetworkLearner(layers)
    weights, multiplications = learner.size(np.zeros((1, 1, 4, 4), dtype=np.float32))
    assert (weights, multiplications) == (2 * 9 + 2 + 32 * 3 + 3, 16 * 2 * 9 + 32 * 3)
