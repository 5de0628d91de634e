"""The ladder of gradient attacks: finds are real, what must be found is found, and the model is left as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from touchstone.methods.attacks.gradient.balls import Ball, Norm  # noqa: E402
from touchstone.methods.attacks.gradient.differentiable import Differentiable  # noqa: E402
from touchstone.methods.attacks.gradient.ladder import Outcome, climb_ladder  # noqa: E402
from touchstone.methods.attacks.gradient.rungs import AUDIT, QUICK, Rung  # noqa: E402

pytestmark = pytest.mark.torch

SHORT = (
    Rung("apgd-ce", 20),
    Rung("apgd-t", 20, targets=3),
    Rung("fab-t", 20, targets=2),
    Rung("square", 60),
    Rung("apgd-t", 10, targets=1, restarts=2, nearest=3),
)


def network(shape: tuple[int, ...], classes: int, seed: int = 0) -> Any:
    """A small random network with a smooth boundary."""
    generator = torch.Generator().manual_seed(seed)
    size = int(np.prod(shape))
    first = torch.randn(24, size, generator=generator) / size**0.5
    last = torch.randn(classes, 24, generator=generator)

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Parameter(first)
            self.last = torch.nn.Parameter(last)
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x: Any) -> Any:
            return torch.tanh(3 * (x.flatten(1) - 0.5) @ self.first.T) @ self.last.T

    return Net().eval()


def attack(
    model: Callable[[Any], Any],
    x: NDArray[np.float32],
    ball: Ball,
    rungs: tuple[Rung, ...] = SHORT,
    batch: int = 256,
    seed: int = 1,
) -> Outcome:
    """Attack the model's own answers."""
    differentiable = Differentiable(model)
    y = differentiable.scores(differentiable.tensor(x)).argmax(dim=1).numpy()
    return climb_ladder(differentiable, x, y, ball, rungs, seed=seed, ids=np.arange(len(x)), batch=batch)


def samples(n: int, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0, seed: int = 3) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    return generator.uniform(low, high, size=(n, *shape)).astype(np.float32)


def _length(delta: NDArray[np.float64], norm: Norm) -> NDArray[np.float64]:
    flat = delta.reshape(len(delta), -1)
    order = {"linf": np.inf, "l2": 2, "l1": 1}[norm]
    return np.asarray(np.linalg.norm(flat, ord=order, axis=1))


@pytest.mark.parametrize(("norm", "radius"), [("linf", 0.1), ("l2", 0.6), ("l1", 3.0)])
def test_what_is_called_broken_is_broken_inside_the_ball(norm: Norm, radius: float) -> None:
    x, net = samples(40, (3, 6, 6)), network((3, 6, 6), 5)
    outcome = attack(net, x, Ball(norm, radius, 0.0, 1.0))
    assert outcome.broken.sum() > 0
    changed = outcome.points.astype(np.float64) - x
    assert (_length(changed, norm) <= radius * (1 + 1e-5)).all()
    assert outcome.points.min() >= 0
    assert outcome.points.max() <= 1
    with torch.no_grad():
        before, after = (net(torch.from_numpy(batch)).argmax(dim=1).numpy() for batch in (x, outcome.points))
    assert ((before != after) == outcome.broken).all()
    assert all(bool(by) == bool(broken) for by, broken in zip(outcome.by, outcome.broken, strict=True))


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2), ("l1", np.inf)])
def test_a_linear_model_breaks_exactly_where_it_must(norm: Norm, dual: float) -> None:
    """The distance to a hyperplane is |w·x + b| over the dual norm of w; the range is too wide to matter."""
    generator = np.random.default_rng(5)
    weights = torch.from_numpy(generator.normal(size=30).astype(np.float32))
    x = samples(60, (30,), -1, 1)
    distance = np.abs(x @ weights.numpy()) / np.linalg.norm(weights.numpy(), ord=dual)
    radius = float(np.median(distance))

    def model(batch: Any) -> Any:
        value = batch @ weights
        return torch.stack([torch.zeros_like(value), value], dim=1)

    outcome = attack(model, x, Ball(norm, radius, -100.0, 100.0), (Rung("apgd-ce", 60), Rung("fab-t", 30, targets=1)))
    assert not outcome.broken[distance > radius * 1.001].any()
    assert outcome.broken[distance < radius * 0.97].all()


@pytest.mark.parametrize(
    ("shape", "classes", "low", "high"),
    [
        ((3, 8, 8), 2, 0.0, 1.0),
        ((3, 8, 8), 3, 0.0, 1.0),
        ((3, 8, 8), 4, 0.0, 1.0),
        ((1, 8, 8), 10, 0.0, 1.0),
        ((3, 5, 11), 6, 0.0, 1.0),
        ((3, 8, 8), 5, -1.0, 1.0),
        ((3, 8, 8), 5, 0.0, 255.0),
        ((4, 8, 8), 5, 0.0, 1.0),
        ((12,), 3, 0.0, 1.0),
        ((2, 40), 4, 0.0, 1.0),
    ],
)
def test_any_shape_range_and_number_of_classes(shape: tuple[int, ...], classes: int, low: float, high: float) -> None:
    net = network(shape, classes)
    x = samples(12, shape, low, high)
    width = high - low
    outcome = attack(lambda batch: net((batch - low) / width), x, Ball("linf", 0.2 * width, low, high))
    assert outcome.broken.any()
    assert outcome.points.min() >= low
    assert outcome.points.max() <= high


def test_an_array_with_channels_last_is_no_obstacle() -> None:
    x = samples(10, (6, 6, 3)).transpose(0, 3, 1, 2)
    assert not x.flags.c_contiguous
    outcome = attack(network((3, 6, 6), 4), x, Ball("linf", 0.2, 0.0, 1.0))
    assert outcome.broken.any()


def test_no_samples_and_no_right_answers_are_no_obstacle() -> None:
    net = network((4,), 3)
    assert len(attack(net, samples(0, (4,)), Ball("linf", 0.1, 0.0, 1.0)).broken) == 0
    x = samples(5, (4,))
    with torch.no_grad():
        wrong = (net(torch.from_numpy(x)).argmax(dim=1).numpy() + 1) % 3
    outcome = climb_ladder(Differentiable(net), x, wrong, Ball("linf", 0.1, 0.0, 1.0), SHORT, seed=1, ids=np.arange(5))
    assert not outcome.correct.any()
    assert not outcome.broken.any()
    assert sum(spent.total for name, spent in outcome.passes.items() if name != "clean") == 0


def test_a_model_that_answers_nan_is_said_to() -> None:
    with pytest.raises(FloatingPointError, match="NaN"):
        attack(lambda batch: batch * torch.nan, samples(3, (4,)), Ball("linf", 0.1, 0.0, 1.0))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_batch_and_the_neighbours_do_not_matter(norm: Norm) -> None:
    net, x = network((1, 8, 8), 6), samples(64, (1, 8, 8))
    ball = Ball(norm, 0.05 if norm == "linf" else 0.3, 0.0, 1.0)
    found = [attack(net, x, ball, SHORT, batch).broken for batch in (16, 64, 256)]
    assert 0 < found[0].sum() < 64
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
    assert (attack(net, x, ball, SHORT).broken == found[0]).all()


def test_the_model_and_the_world_are_left_as_they_were() -> None:
    net = network((1, 8, 8), 4)
    torch.manual_seed(42)
    before = (_digest(net), net.training, torch.get_rng_state().clone(), np.random.get_state()[1].copy())
    attack(net, samples(10, (1, 8, 8)), Ball("linf", 0.1, 0.0, 1.0))
    assert before[0] == _digest(net)
    assert before[1] == net.training
    assert bool((before[2] == torch.get_rng_state()).all())
    assert (before[3] == np.random.get_state()[1]).all()
    assert all(parameter.grad is None for parameter in net.parameters())


def _digest(net: Any) -> str:
    state = b"".join(tensor.detach().numpy().tobytes() for tensor in net.state_dict().values())
    return hashlib.sha256(state).hexdigest()


def test_broken_samples_cost_nothing_more() -> None:
    x = samples(50, (6,))
    net = network((6,), 3)
    wide, narrow = (attack(net, x, Ball("linf", radius, 0.0, 1.0), QUICK) for radius in (0.9, 0.001))
    assert wide.broken.mean() > 0.9
    assert sum(spent.backward for spent in wide.passes.values()) < 0.2 * sum(
        spent.backward for spent in narrow.passes.values()
    )


def test_one_broken_run_ends_all_of_its_sample() -> None:
    x, net = samples(30, (6,)), network((6,), 5)
    outcome = attack(net, x, Ball("linf", 0.9, 0.0, 1.0), (Rung("apgd-t", 50, targets=4),))
    assert outcome.broken.all()
    assert outcome.passes["apgd-t4x50"].backward < 30 * 4 * 15


def test_a_later_rung_of_the_same_kind_starts_elsewhere() -> None:
    net, x = network((6,), 3), samples(20, (6,))
    ball = Ball("linf", 0.01, 0.0, 1.0)
    seen: list[Any] = []

    def watched(batch: Any) -> Any:
        if batch.requires_grad:
            seen.append(batch.detach().clone())
        return net(batch)

    attack(watched, x, ball, (Rung("apgd-ce", 1), Rung("apgd-ce", 1)))
    assert len(seen) == 4
    assert not torch.allclose(seen[0], seen[2])
    seen.clear()
    attack(watched, x, ball, (Rung("apgd-ce", 1, restarts=2),))
    assert len(seen) == 4


def test_those_that_are_not_standing_are_not_attacked() -> None:
    net, x = network((6,), 3), samples(20, (6,))
    standing = np.arange(20) % 2 == 0
    model = Differentiable(net)
    y = model.scores(model.tensor(x)).argmax(dim=1).numpy()
    outcome = climb_ladder(
        model, x, y, Ball("linf", 0.9, 0.0, 1.0), QUICK, seed=1, ids=np.arange(20), standing=standing
    )
    assert outcome.broken[standing].any()
    assert not outcome.broken[~standing].any()


def test_steps_in_l1_leave_elements_alone_that_can_go_no_further() -> None:
    """All slopes are equal, so that nothing but the room left tells which elements are worth a step."""
    weights = torch.ones(24)
    weights[12:] = -1
    x = (0.5 + 0.01 * samples(20, (24,), -1, 1)).astype(np.float32)

    def model(batch: Any) -> Any:
        value = batch @ weights
        return torch.stack([torch.zeros_like(value), value], dim=1)

    assert attack(model, x, Ball("l1", 24.0, 0.0, 1.0), QUICK).broken.all()


def test_elements_may_have_reaches_of_their_own() -> None:
    """A linear model over columns of very different units: broken exactly where the weighted box reaches."""
    generator = np.random.default_rng(5)
    units = np.array([1.0, 1e4, 1e-2, 1.0], dtype=np.float32)
    reach = np.array([1.0, 1e4, 1e-2, 0.0], dtype=np.float32) * 0.1
    weights = (generator.normal(size=4) / units).astype(np.float32)
    x = (samples(60, (4,), -1, 1) * units).astype(np.float32)

    def model(batch: Any) -> Any:
        value = batch @ torch.from_numpy(weights)
        return torch.stack([torch.zeros_like(value), value], dim=1)

    ball = Ball("linf", float(reach.max()), -1e5, 1e5, torch.from_numpy(reach / reach.max()))
    share = np.abs(x @ weights) / (np.abs(weights) * reach).sum()
    for rungs in [(Rung("apgd-ce", 40),), (Rung("fab-t", 30, targets=1),)]:
        outcome = attack(model, x, ball, rungs)
        assert outcome.broken[share < 0.97].all()
        assert not outcome.broken[share > 1.001].any()
        assert 0 < outcome.broken.sum() < 60
        assert (np.abs(outcome.points - x) <= reach * 1.001 + 1e-6 * np.abs(x)).all()
        assert np.allclose(outcome.points[:, 3], x[:, 3], rtol=1e-6)


def test_a_model_without_a_way_back_has_a_slope_of_zero() -> None:
    net, x = network((6,), 3), samples(20, (6,))
    cut = attack(lambda batch: net(batch.detach()), x, Ball("linf", 0.5, 0.0, 1.0), (Rung("square", 200),))
    assert cut.broken.any()
    ascent = attack(lambda batch: net(batch.detach()), x, Ball("linf", 0.05, 0.0, 1.0), QUICK)
    assert ascent.broken.mean() < 0.5


def test_square_finds_what_a_masked_gradient_hides() -> None:
    net = network((1, 8, 8), 4)
    rounded = attack(
        lambda batch: net(torch.round(batch * 4) / 4), samples(20, (1, 8, 8)), Ball("linf", 0.3, 0.0, 1.0), AUDIT[:4]
    )
    by = set(rounded.by)
    assert any(name.startswith("square") for name in by)
