"""CROWN: sound against samples and attacks, exact where the truth is known, never looser than interval arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from touchstone.methods.attacks.gradient.balls import Ball, Norm  # noqa: E402
from touchstone.methods.attacks.gradient.differentiable import Differentiable  # noqa: E402
from touchstone.methods.attacks.gradient.ladder import climb_ladder  # noqa: E402
from touchstone.methods.attacks.gradient.rungs import Rung  # noqa: E402
from touchstone.methods.certified import crown  # noqa: E402
from touchstone.methods.certified.crown import (  # noqa: E402
    Standardise,
    UnsupportedNetworkError,
    bound_margins,
    interval_margins,
)

pytestmark = pytest.mark.torch

BALLS: dict[Norm, tuple[float, float]] = {"linf": (0.01, 0.06), "l2": (0.05, 0.3), "l1": (0.2, 1.5)}


def layers(kind: str) -> list[Any]:
    if kind == "linear":
        return [nn.Flatten(), nn.Linear(72, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 4)]
    if kind == "conv":
        return [
            Standardise(torch.full((2, 1, 1), 0.5), torch.full((2, 1, 1), 0.3)),
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Sequential(nn.Conv2d(4, 6, 2, bias=False), nn.ReLU(), nn.Dropout(0.5)),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(6, 4),
        ]
    if kind == "maximum":
        return [
            nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(4, 5, 2), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(5, 4),
        ]  # fmt: skip
    return [nn.Conv2d(2, 5, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4), nn.ReLU()]


def network(kind: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    net = nn.Sequential(*layers(kind))
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.2, 0.2),
                (layer.running_var, 0.5, 2),
                (layer.weight, -1, 1),
                (layer.bias, -0.3, 0.3),
            ):
                nn.init.uniform_(tensor, low, high)
    return net.eval()


def samples(n: int = 20, shape: tuple[int, ...] = (2, 6, 6), seed: int = 3) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).uniform(0, 1, size=(n, *shape)).astype(np.float32))


def answered(net: Any, x: Any) -> Any:
    with torch.no_grad():
        return net(x).argmax(dim=1)


def leads(net: Any, points: Any, y: Any) -> Any:
    with torch.no_grad():
        scores = net(points).double()
    return scores.gather(1, y[:, None]) - scores


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("kind", ["linear", "conv", "pooled", "maximum"])
def test_no_point_of_the_ball_is_below_the_bounds(kind: str, norm: Norm) -> None:
    net, x = network(kind), samples()
    y = answered(net, x)
    for radius in BALLS[norm]:
        ball = Ball(norm, radius, 0.0, 1.0)
        margins = bound_margins(net, x, y, ball)
        generator = torch.Generator().manual_seed(1)
        for scale in (0.3, 1.0, 3.0, 30.0):
            drawn = torch.randn(x.shape, generator=generator)
            points = ball.project(x, x + scale * radius * drawn)
            seen = leads(net, points, y)
            own = torch.nn.functional.one_hot(y, 4).bool()
            assert bool((seen >= margins.lower - 1e-5)[~own].all())
        assert bool(torch.isinf(margins.lower[own]).all())


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("kind", ["linear", "conv", "maximum"])
def test_what_is_certified_no_attack_breaks(kind: str, norm: Norm) -> None:
    net, x = network(kind, 1), samples(24)
    y = answered(net, x)
    ball = Ball(norm, BALLS[norm][1] * (0.3 if kind == "maximum" else 1), 0.0, 1.0)
    certified = bound_margins(net, x, y, ball).certified.numpy()
    rungs = (Rung("apgd-ce", 20), Rung("apgd-t", 20, targets=3), Rung("square", 60))
    outcome = climb_ladder(Differentiable(net), x.numpy(), y.numpy(), ball, rungs, seed=1, ids=np.arange(24))
    assert certified.any()
    assert outcome.broken.any()
    assert not (certified & outcome.broken).any()


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2), ("l1", np.inf)])
def test_a_linear_network_is_bounded_exactly(norm: Norm, dual: float) -> None:
    """Far from the ends of the range the least lead is the lead less radius times dual norm of the weights."""
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(9, 3)), samples(12, (9,))
    y = answered(net, x)
    bound = bound_margins(net, x, y, Ball(norm, 0.3, -100.0, 100.0)).lower.numpy()
    weights, before = net[0].weight.detach().numpy().astype(float), leads(net, x, y).numpy()
    for row, own in enumerate(y.numpy()):
        for other in set(range(3)) - {int(own)}:
            steepness = np.linalg.norm(weights[own] - weights[other], ord=dual)
            assert bound[row, other] == pytest.approx(before[row, other] - 0.3 * steepness, abs=4e-3)
            assert bound[row, other] <= before[row, other] - 0.3 * steepness + 1e-5


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_the_range_cuts_the_ball_exactly(norm: Norm) -> None:
    """On a linear network the bound is reached by a legal point: what the strongest attack finds."""
    torch.manual_seed(1)
    net, x = nn.Sequential(nn.Linear(12, 2)), samples(25, (12,)) * 0.3
    y = answered(net, x)
    radius = {"linf": 0.2, "l2": 0.6, "l1": 1.5}[norm]
    ball = Ball(norm, radius, 0.0, 0.3)
    bound = bound_margins(net, x, y, ball).lower.amin(dim=1)
    weights = net[0].weight.detach()
    slope = weights[y] - weights[1 - y]
    point = x
    for step in range(120):
        point = ball.project(x, point - 0.2 / (1 + step / 10) * slope)
    reached = leads(net, point, y).gather(1, (1 - y)[:, None])[:, 0]
    assert bool((bound <= reached + 1e-5).all())
    assert bool((bound >= reached - 5e-3).all())


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("kind", ["linear", "conv", "pooled", "maximum"])
def test_never_looser_than_interval_arithmetic(kind: str, norm: Norm) -> None:
    net, x = network(kind, 2), samples()
    y = answered(net, x)
    ball = Ball(norm, BALLS[norm][1], 0.0, 1.0)
    crown_bound, interval = bound_margins(net, x, y, ball).lower, interval_margins(net, x, y, ball)
    own = torch.nn.functional.one_hot(y, 4).bool()
    assert bool((crown_bound >= interval - 1e-9)[~own].all())
    if kind != "pooled":
        assert bool((crown_bound > interval + 1e-3)[~own].any())


def test_radius_zero_bounds_are_the_leads_themselves() -> None:
    net, x = network("conv"), samples()
    y = answered(net, x)
    own = torch.nn.functional.one_hot(y, 4).bool()
    bound = bound_margins(net, x, y, Ball("linf", 0.0, 0.0, 1.0)).lower
    assert bool(((bound - leads(net, x, y)).abs() < 1e-4)[~own].all())


def test_a_wrong_answer_is_never_certified() -> None:
    net, x = network("linear"), samples()
    wrong = (answered(net, x) + 1) % 4
    assert not bool(bound_margins(net, x, wrong, Ball("linf", 1e-4, 0.0, 1.0)).certified.any())


def test_each_element_has_its_own_reach() -> None:
    """An element that may not move costs nothing, and one with half the reach costs half."""
    net, x = nn.Sequential(nn.Linear(3, 2)), samples(8, (3,))
    y = answered(net, x)
    ball = Ball("linf", 0.2, -100.0, 100.0, torch.tensor([1.0, 0.5, 0.0]))
    bound = bound_margins(net, x, y, ball).lower.gather(1, (1 - y)[:, None])[:, 0]
    slope = (net[0].weight[y] - net[0].weight[1 - y]).detach().abs().double()
    lead = leads(net, x, y).gather(1, (1 - y)[:, None])[:, 0]
    assert torch.allclose(bound, lead - 0.2 * slope[:, 0] - 0.1 * slope[:, 1], atol=1e-3)


def test_the_cost_is_counted_before_it_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4))
    convolution = 108 * 2 * 9
    assert crown.most_operations(net, (2, 6, 6)) == 2 * 108 * convolution + 4 * (convolution + 108 + 432)
    monkeypatch.setattr(crown, "MOST_ACTIVATIONS", 107)
    with pytest.raises(UnsupportedNetworkError, match="108 elements"):
        crown.most_operations(net, (2, 6, 6))


def test_pieces_give_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = network("conv"), samples()
    y = answered(net, x)
    ball = Ball("linf", 0.05, 0.0, 1.0)
    whole = bound_margins(net, x, y, ball)
    monkeypatch.setattr(crown, "_AT_ONCE", 500)
    pieces = bound_margins(net, x, y, ball)
    own = torch.nn.functional.one_hot(y, 4).bool()
    assert bool(((whole.lower - pieces.lower)[~own].abs() < 0.02).all())
    assert bool((whole.certified == pieces.certified).all())


def test_no_samples_are_no_obstacle() -> None:
    margins = bound_margins(network("conv"), samples(0), torch.zeros(0, dtype=torch.long), Ball("l2", 0.1, 0.0, 1.0))
    assert len(margins.certified) == 0


@pytest.mark.parametrize(
    ("layer", "named"),
    [(nn.MaxPool2d(2, ceil_mode=True), "MaxPool2d"), (nn.Sigmoid(), "Sigmoid"), (nn.BatchNorm2d(2), "training")],
)
def test_what_cannot_be_bounded_is_refused_by_name(layer: Any, named: str) -> None:
    net = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), layer.train(), nn.Flatten(), nn.LazyLinear(4))
    net(samples(2))
    with pytest.raises(UnsupportedNetworkError, match=named):
        bound_margins(net, samples(2), torch.zeros(2, dtype=torch.long), Ball("linf", 0.1, 0.0, 1.0))


def test_a_network_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crown, "MOST_ACTIVATIONS", 10)
    with pytest.raises(UnsupportedNetworkError, match="at most 10"):
        bound_margins(network("conv"), samples(2), torch.zeros(2, dtype=torch.long), Ball("linf", 0.1, 0.0, 1.0))


def test_the_network_is_left_as_it_was() -> None:
    net = network("conv").train(False)
    before = [tensor.clone() for tensor in net.state_dict().values()]
    bound_margins(net, samples(), answered(net, samples()), Ball("l2", 0.1, 0.0, 1.0))
    after = list(net.state_dict().values())
    assert all(
        bool((one == other).all()) and one.dtype == other.dtype for one, other in zip(before, after, strict=True)
    )
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())
