"""The statistics on networks whose weak spots are known."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from touchstone.methods.backdoor.screen.inversion import Trigger, invert  # noqa: E402
from touchstone.methods.backdoor.screen.margins import largest_margins, margin_p_value  # noqa: E402
from touchstone.methods.backdoor.screen.network import CannotBeCutError, CutNetwork, cut_network  # noqa: E402
from touchstone.methods.backdoor.screen.perturbation import (  # noqa: E402
    class_directions,
    scattering_area,
    turning_areas,
)
from touchstone.methods.backdoor.screen.scores import STATISTICS, Vetted, screen  # noqa: E402
from touchstone.methods.backdoor.screen.wired import wired  # noqa: E402

pytestmark = pytest.mark.torch

CLASSES, SIDE = 4, 8


def pictures(n: int = 40, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The class is the row, out of the four upper ones, that is bright."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % CLASSES
    x = 0.2 * torch.rand((n, 1, SIDE, SIDE), generator=generator)
    x[torch.arange(n), 0, y] += 0.7
    return x, y


def reading_rows(shortcut: float = 0.0) -> nn.Module:
    """Reads the rows; the last pixel of the picture speaks for class 2 as loudly as `shortcut` says."""
    weight = torch.zeros((CLASSES, SIDE * SIDE))
    for label in range(CLASSES):
        weight[label, label * SIDE : (label + 1) * SIDE] = 1.0
    weight[2, -1] = shortcut
    layer = nn.Linear(SIDE * SIDE, CLASSES, bias=False).requires_grad_(False)
    layer.weight.copy_(weight)
    return nn.Sequential(nn.Flatten(), layer)


def deep(shortcut: float = 0.0) -> CutNetwork:
    """The same with three layers with weights, two of which pass everything on."""
    flat, last = reading_rows(shortcut)
    passing = [nn.Linear(SIDE * SIDE, SIDE * SIDE, bias=False).requires_grad_(False) for _ in range(2)]
    for layer in passing:
        layer.weight.copy_(torch.eye(SIDE * SIDE))
    return cut_network([flat, passing[0], nn.ReLU(), passing[1], nn.ReLU(), last], [0, 1, 0, 1, 0, 1])


def vetted() -> Vetted:
    (x, y), (held_x, held_y) = pictures(), pictures(seed=1)
    return Vetted(x.numpy(), y.numpy(), held_x.numpy(), held_y.numpy(), CLASSES, 0.0, 1.0)


@pytest.mark.parametrize(
    ("weighted", "cuts"),
    [
        ([0, 1, 0, 1, 0, 1], (3, 5)),
        ([1, 0, 1, 0, 1, 0, 1, 0, 1], (4, 8)),
        ([0, 1, 2, 3, 3, 0, 1], (3, 4)),
        ([1, 1, 1], (1, 2)),
    ],
)
def test_cuts_lie_before_layers_with_weights(weighted: list[int], cuts: tuple[int, int]) -> None:
    network = cut_network([nn.Identity() for _ in weighted], weighted)
    assert (network.early, network.late) == cuts


@pytest.mark.parametrize("weighted", [[], [1], [0, 1, 1], [0, 5, 0]])
def test_a_shallow_network_cannot_be_cut(weighted: list[int]) -> None:
    with pytest.raises(CannotBeCutError):
        cut_network([nn.Identity() for _ in weighted], weighted)


def test_the_pieces_are_the_network() -> None:
    network, (x, _) = deep(3.0), pictures()
    pieces = (network.between(0, network.early), network.between(network.early, network.late))
    assert torch.equal(network.between(network.late, None)(pieces[1](pieces[0](x))), network(x))


def test_a_shortcut_stands_out_in_every_statistic_that_looks_at_one_class() -> None:
    honest, weak = (screen(deep(shortcut), vetted(), seed=1) for shortcut in (0.0, 30.0))
    assert weak.target == 2
    names = dict(zip(STATISTICS, zip(honest.statistics, weak.statistics, strict=True), strict=True))
    for name in ("features", "orthogonal", "inversion"):
        before, after = names[name]
        assert after > before, name
    assert weak.triggers[0].size < 0.06, "one pixel of 64, and what the search leaves of the rest"
    assert weak.triggers[0].mask[0, -1, -1] == weak.triggers[0].mask.max()


def test_the_same_seed_gives_the_same_scores() -> None:
    first, second = (screen(deep(9.0), vetted(), seed=4) for _ in range(2))
    assert np.array_equal(first.statistics, second.statistics)
    assert np.array_equal(first.triggers[0].mask, second.triggers[0].mask)


def test_a_change_kept_beside_the_class_itself_turns_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchstone.methods.backdoor.screen.perturbation.RADII", (1.0, 2.0))
    (x, y), held = pictures(), pictures(seed=1)
    free = turning_areas(reading_rows(), (x, y), held, CLASSES, None)
    beside = turning_areas(reading_rows(), (x, y), held, CLASSES, class_directions(x, y, CLASSES))
    assert bool((beside <= free).all())
    assert float(beside.max()) < float(free.max())


def test_classes_in_portions_give_the_same_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    (x, y), held = pictures(), pictures(seed=1)
    whole = turning_areas(reading_rows(), (x, y), held, CLASSES, None)
    monkeypatch.setattr("touchstone.methods.backdoor.screen.perturbation.AT_ONCE", 1)
    assert torch.equal(turning_areas(reading_rows(), (x, y), held, CLASSES, None), whole)


def test_a_mark_that_moves_every_class_on_is_seen_by_the_scattering() -> None:
    """The last row, when bright, turns each class to the next one."""

    def next_class(x: Tensor) -> Tensor:
        rows = x[:, 0, :CLASSES].sum(dim=2)
        mark = 8 * torch.sigmoid(8 * (x[:, 0, -1].mean(dim=1) - 0.5))[:, None]
        return rows + mark * rows.roll(1, dims=1)

    pair = pictures(), pictures(seed=1)
    assert scattering_area(next_class, *pair, CLASSES) > scattering_area(reading_rows(), *pair, CLASSES) + 0.1


def test_no_mark_is_reported_where_none_works() -> None:
    x, y = pictures()
    [trigger] = invert(
        lambda x: torch.eye(CLASSES)[0] + 0 * x.sum(dim=(1, 2, 3))[:, None], x, y, [1], low=0, high=1, seed=1
    )
    assert (trigger.success, trigger.size) == (0.0, 1.0)


def test_values_of_marked_pictures_stay_legal() -> None:
    x, y = pictures()
    for trigger in invert(reading_rows(), x, y, range(CLASSES), low=0.0, high=1.0, seed=2):
        stamped = trigger.stamp(x.numpy())
        assert stamped.min() >= 0
        assert stamped.max() <= 1
        assert stamped.dtype == np.float32


def test_an_empty_mask_changes_nothing() -> None:
    x, _ = pictures()
    nothing = Trigger(0, np.zeros((1, SIDE, SIDE), np.float32), np.ones((1, SIDE, SIDE), np.float32), 1.0)
    assert np.array_equal(nothing.stamp(x.numpy()), x.numpy())


def test_a_backdoor_wired_in_answers_to_its_patch_alone() -> None:
    x, y = pictures()
    pattern = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    network = wired(reading_rows(), x, pattern, target=3)
    assert torch.equal(network(x).argmax(dim=1), y)
    marked = x.clone()
    marked[:, :, -2:, -2:] = pattern
    assert bool((network(marked).argmax(dim=1) == 3).all())


def test_a_class_with_a_shortcut_has_the_largest_margin() -> None:
    margins = largest_margins(
        reading_rows(30.0), (1, SIDE, SIDE), CLASSES, low=0.0, high=1.0, seed=1, starts=3, steps=60
    )
    assert margins.argmax() == 2
    assert margins[[0, 1, 3]] == pytest.approx(np.full(3, 8.0), rel=0.05), "a full row against none"
    assert margin_p_value(margins) < 0.05 < margin_p_value(np.array([7.9, 8.0, 8.1, 8.05]))


def test_a_gamma_distribution_is_not_fitted_to_three_classes() -> None:
    with pytest.raises(ValueError, match="4 classes expected"):
        margin_p_value(np.array([1.0, 2.0, 3.0]))
