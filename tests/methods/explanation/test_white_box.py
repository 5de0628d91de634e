"""Slopes, attacks on explanations, and networks at random, on networks that are written down."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from touchstone.methods.explanation.attribution import integrated_gradients  # noqa: E402
from touchstone.methods.explanation.parts import columns  # noqa: E402
from touchstone.methods.explanation.stability import top_overlap  # noqa: E402
from touchstone.methods.explanation.white_box import answers_of, attack_explanations, randomised  # noqa: E402

pytestmark = pytest.mark.torch


def network(features: int = 6, classes: int = 3, seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(features, 24), nn.Softplus(beta=4), nn.Linear(24, classes))
        for layer in (net[0], net[2]):
            nn.init.normal_(layer.weight, std=1.0)
    return net.requires_grad_(requires_grad=False)


X = np.random.default_rng(4).normal(size=(12, 6)).astype(np.float32)


def predicted(net: nn.Module, x):
    return net(torch.from_numpy(x)).argmax(dim=1).numpy()


def test_odds_and_slopes_are_those_of_the_probabilities():
    net = network()
    y = predicted(net, X)
    odds, slopes = answers_of(net)
    probabilities = net(torch.from_numpy(X)).double().softmax(dim=1).numpy()
    chosen = probabilities[np.arange(len(X)), y]
    expected = np.log(chosen) - np.log1p(-chosen)
    np.testing.assert_allclose(odds(X, y), expected, rtol=1e-3, atol=1e-3)
    step = np.zeros_like(X)
    step[:, 2] = 1e-2
    numeric = (odds(X + step, y) - odds(X - step, y)) / 2e-2
    np.testing.assert_allclose(slopes(X, y)[:, 2], numeric, rtol=0.02, atol=0.02)


def test_scores_that_are_logarithms_of_probabilities_explain_alike():
    net = network()
    y = predicted(net, X)
    _, slopes = answers_of(net)
    _, again = answers_of(lambda x: net(x).log_softmax(dim=1))
    np.testing.assert_allclose(slopes(X, y), again(X, y), rtol=1e-4, atol=1e-4)


def test_the_attack_moves_explanations_and_keeps_answers():
    net = network()
    y = predicted(net, X)
    baseline = np.zeros(6, dtype=np.float32)
    box = (X - np.float32(0.4), X + np.float32(0.4))
    moved = attack_explanations(net, X, y, baseline, columns(6), 2, box, np.random.default_rng(0))
    assert (predicted(net, moved) == y).all()
    assert (moved >= box[0]).all()
    assert (moved <= box[1]).all()
    _, slopes = answers_of(net)
    explained = integrated_gradients(slopes, X, y, baseline).astype(np.float64)
    after = integrated_gradients(slopes, moved, y, baseline).astype(np.float64)
    noise = np.random.default_rng(1).uniform(-0.4, 0.4, size=X.shape).astype(np.float32)
    by_chance = integrated_gradients(slopes, X + noise, y, baseline).astype(np.float64)
    attacked = top_overlap(explained, after, 2).mean()
    assert attacked <= 0.8
    assert attacked < top_overlap(explained, by_chance, 2).mean()


def test_without_room_nothing_moves():
    net = network()
    moved = attack_explanations(
        net, X, predicted(net, X), np.zeros(6, np.float32), columns(6), 2, (X, X), np.random.default_rng(0)
    )
    np.testing.assert_array_equal(moved, X)


def test_a_randomised_network_has_the_same_weights_in_other_places():
    net = network()
    before = net[0].weight.clone()
    other = randomised(net, np.random.default_rng(0))
    assert torch.equal(net[0].weight, before)
    assert not torch.equal(other[0].weight, before)
    assert torch.equal(other[0].weight.flatten().sort().values, before.flatten().sort().values)
