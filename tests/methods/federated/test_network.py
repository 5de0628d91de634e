"""Networks as learners: what PyTorch computes, as one vector; and inputs that are found again from their gradient."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from touchstone.methods.federated.inversion import ratios  # noqa: E402
from touchstone.methods.federated.learner import LocalTraining, SoftmaxRegression, party_update  # noqa: E402
from touchstone.methods.federated.matching import matched  # noqa: E402
from touchstone.methods.federated.network import NetworkLearner  # noqa: E402

nn = torch.nn
BARE = LocalTraining(1, 1, 0.1)


def rows(n: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.normal(size=(n, *shape)).astype(np.float32), generator.integers(2, size=n)


def test_one_dense_layer_is_softmax_regression() -> None:
    network, ours = NetworkLearner(nn.Sequential(nn.Linear(3, 2))), SoftmaxRegression(3, 2)
    x, y = rows(8, 3)
    weights = network.fresh(np.random.default_rng(1))
    assert weights is not None
    weights[-2:] = 0.3, -0.1
    assert network.gradient(weights, x, y) == pytest.approx(ours.gradient(weights, x, y), abs=1e-6)
    assert (network.labels(weights, x) == ours.labels(weights, x)).all()
    assert network.first_dense(weights)[0] == pytest.approx(ours.first_dense(weights)[0])
    assert network.features(weights, x) == pytest.approx(x)


def test_weights_are_those_handed_in_and_setting_others_leaves_the_model_alone() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).requires_grad_(False)
    before = [weight.clone() for weight in module.parameters()]
    learner = NetworkLearner(module)
    flat = np.concatenate([weight.numpy().ravel() for weight in before])
    assert learner.weights == pytest.approx(flat)
    learner.labels(learner.weights * 0, rows(2, 3)[0])
    assert learner.weights == pytest.approx(flat * 0)
    assert all(bool((a == b).all()) for a, b in zip(before, module.parameters(), strict=True))


def test_one_row_is_read_off_behind_convolutions_as_what_the_dense_layer_takes() -> None:
    learner = NetworkLearner(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2)))
    weights = learner.fresh(np.random.default_rng(0))
    assert weights is not None
    x, y = rows(1, 1, 5, 5)
    update = party_update(learner, weights, x, y, BARE, np.random.default_rng(0))
    found = ratios(*learner.first_dense(update))
    assert found == pytest.approx(np.tile(learner.features(weights, x), (2, 1)), rel=1e-3, abs=1e-4)
    assert learner.inverts
    assert not learner.plain


def test_what_does_not_learn_and_what_was_normalised_with_other_weights() -> None:
    with pytest.raises(ValueError, match="no layer learns"):
        NetworkLearner(nn.Sequential(nn.Flatten()))
    normalised = NetworkLearner(nn.Sequential(nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3), nn.Linear(3, 2)))
    assert normalised.fresh(np.random.default_rng(0)) is None
    preprocessed = NetworkLearner(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)))
    assert preprocessed.fresh(np.random.default_rng(0)) is not None
    assert not NetworkLearner(nn.Sequential(nn.Linear(3, 2, bias=False))).inverts


def test_matching_finds_one_picture_again() -> None:
    learner = NetworkLearner(
        nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.Sigmoid(), nn.Flatten(), nn.Linear(96, 2, bias=False))
    )
    weights = learner.fresh(np.random.default_rng(0))
    assert weights is not None
    x, y = rows(40, 1, 4, 4)
    update = party_update(learner, weights, x[:1], y[:1], BARE, np.random.default_rng(0))
    found = matched(learner, weights, update, y[:1], x[20:], np.random.default_rng(1), steps=300, restarts=2)
    distances = ((x - found) ** 2).reshape(40, -1).mean(axis=1)
    assert distances.argmin() == 0
    assert distances[0] < 0.1 * np.sort(distances)[1]
