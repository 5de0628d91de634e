"""The random search goes the same way as one that asks every proposal in turn, and asks less."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from touchstone.methods.attacks.gradient.balls import Ball, Norm  # noqa: E402
from touchstone.methods.attacks.gradient.differentiable import Differentiable  # noqa: E402
from touchstone.methods.attacks.gradient.objectives import margin  # noqa: E402
from touchstone.methods.attacks.gradient.square import square  # noqa: E402
from touchstone.methods.attacks.gradient.windows import Takeovers, Windows  # noqa: E402

pytestmark = pytest.mark.torch

QUERIES, SAMPLES = 150, 10


def network(channels: int) -> Any:
    """Scores of four classes, with plateaus on which candidates are equally good."""
    generator = torch.Generator().manual_seed(channels)
    first = torch.randn(channels * 36, 16, generator=generator) / 6
    last = torch.randn(16, 4, generator=generator)
    return lambda x: torch.relu(torch.round(8 * x.flatten(1)) / 8 @ first) @ last


def dice(n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(n)]


def one_after_the_other(net: Any, x: Any, y: Any, ball: Ball, row: int) -> tuple[Any, int]:
    """Every proposal asked in turn, for one sample alone: the point, and the step that broke it."""
    kind = Windows if ball.norm == "linf" else Takeovers
    proposals = kind(x[row : row + 1], ball, dice(len(x))[row : row + 1], QUERIES)
    smallest, only = torch.inf, torch.zeros(1, dtype=torch.long)
    for step in range(QUERIES):
        candidate = proposals.make(only, only + step) if step else proposals.first()
        scores = net(candidate)
        value = float(margin(scores, y[row : row + 1]))
        if value <= smallest:
            proposals.accept(only, candidate)
            smallest = value
        if int(scores.argmax()) != int(y[row]):
            return proposals.best[0], step
    return proposals.best[0], -1


@pytest.mark.parametrize(
    ("norm", "radius", "channels"), [("linf", 0.06, 1), ("linf", 0.06, 3), ("l2", 0.4, 3), ("l1", 2.0, 1)]
)
@pytest.mark.parametrize("at_once", [1, 80])
def test_skipping_and_asking_ahead_change_nothing(norm: Norm, radius: float, channels: int, at_once: int) -> None:
    net = network(channels)
    x = torch.from_numpy(np.random.default_rng(7).random((SAMPLES, channels, 6, 6), dtype=np.float32))
    y = net(x).argmax(dim=1)
    model = Differentiable(net)
    found = square(model, x, y, Ball(norm, radius, 0.0, 1.0), dice(SAMPLES), queries=QUERIES, at_once=at_once)
    assert 0 < int(found.broken.sum()) < SAMPLES
    for row in range(SAMPLES):
        point, step = one_after_the_other(net, x, y, Ball(norm, radius, 0.0, 1.0), row)
        assert int(found.steps[row]) == step
        assert torch.allclose(found.points[row], point, atol=1e-5)


def test_known_answers_are_not_asked_again() -> None:
    net = network(1)
    x = torch.from_numpy(np.random.default_rng(7).random((SAMPLES, 1, 6, 6), dtype=np.float32))
    model = Differentiable(net)
    y = net(x).argmax(dim=1)
    found = square(model, x, y, Ball("linf", 0.03, 0.0, 1.0), dice(SAMPLES), queries=2000, at_once=SAMPLES)
    asked_in_turn = torch.where(found.broken, found.steps + 1, 2000).sum()
    assert model.passes.forward < 0.6 * int(asked_in_turn)


@pytest.mark.parametrize("queries", [1, 2])
def test_a_search_may_end_at_once(queries: int) -> None:
    net = network(1)
    x = torch.from_numpy(np.random.default_rng(7).random((5, 1, 6, 6), dtype=np.float32))
    model = Differentiable(net)
    square(model, x, net(x).argmax(dim=1), Ball("linf", 0.001, 0.0, 1.0), dice(5), queries=queries, at_once=8)
    assert 5 <= model.passes.forward <= 5 * queries


def test_a_search_that_gets_nowhere_comes_to_its_end() -> None:
    """The first proposal is the best of all, so that thousands are turned down in a row."""
    first: list[Any] = []

    def net(x: Any) -> Any:
        if not first:
            first.append(x.clone())
        lead = 1 + (x - first[0]).flatten(1).square().sum(dim=1)
        return torch.stack([lead, torch.zeros_like(lead)], dim=1)

    x = torch.from_numpy(np.random.default_rng(7).random((1, 3, 6, 6), dtype=np.float32))
    model = Differentiable(net)
    found = square(model, x, torch.zeros(1, dtype=torch.long), Ball("l2", 0.4, 0, 1), dice(1), queries=1300, at_once=1)
    assert not found.broken.any()
    assert model.passes.forward > 1100
