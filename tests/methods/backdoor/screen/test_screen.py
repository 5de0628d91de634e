"""The statistics on networks whose weak spots are known."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from touchstone.methods.backdoor.screen.inversion import Trigger, invert  # noqa: E402
from touchstone.methods.backdoor.screen.margins import largest_margins, margin_p_value  # noqa: E402
from touchstone.methods.backdoor.screen.network import CannotBeCutError, CutNetwork, cut_network  # noqa: E402
from touchstone.methods.backdoor.screen.perturbation import turning_areas  # noqa: E402
from touchstone.methods.backdoor.screen.probes import PLACES, changes_of, responses  # noqa: E402
from touchstone.methods.backdoor.screen.scores import Vetted, areas_of, responses_of  # noqa: E402
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


def test_a_shortcut_stands_out_in_the_search_and_in_the_responses_to_patches() -> None:
    honest, weak = (deep(shortcut) for shortcut in (0.0, 30.0))
    assert areas_of(weak, vetted()).argmax() == 2
    assert areas_of(weak, vetted())[2] > areas_of(honest, vetted())[2]
    before, after = (responses_of(network, vetted())["patches"] for network in (honest, weak))
    assert (after - before).max(axis=0).argmax() == 2
    assert (after - before)[:, 2].argmax() == PLACES**2 - 1, "in the corner where the pixel is"
    assert after[-1, 2] > 0.7


def test_responses_are_gains_in_probability_over_pictures_of_other_classes() -> None:
    """A network that calls bright pictures class 1, and all others what they are."""

    def network(x: Tensor) -> Tensor:
        bright = (x.mean(dim=(1, 2, 3)) > 0.4).float()[:, None]
        own = x[:, 0, :CLASSES].sum(dim=2)
        return 200 * (bright * torch.eye(CLASSES)[1] + (1 - bright) * functional.one_hot(own.argmax(dim=1), CLASSES))

    x, y = pictures()
    found = responses(network, x, y, CLASSES, low=0.0, high=1.0)
    *rest, strongly_bright = found["tints"]
    assert not np.array(rest).any()
    assert strongly_bright == pytest.approx([0, 1, 0, 0])


def test_the_range_of_values_changes_no_response() -> None:
    x, y = pictures()
    network = deep(9.0)
    first = responses(network, x, y, CLASSES, low=0.0, high=1.0)
    second = responses(lambda z: network(z / 255), 255 * x, y, CLASSES, low=0.0, high=255.0)
    for kind, values in first.items():
        assert second[kind] == pytest.approx(values, abs=1e-5)


@pytest.mark.parametrize("size", [(1, 8, 8), (3, 32, 24), (6, 5, 9)])
def test_changes_keep_the_size_and_are_the_same_each_time(size: tuple[int, int, int]) -> None:
    x = torch.rand((2, *size), generator=torch.Generator().manual_seed(1))
    first, second = ({kind: [change(x) for change in all_] for kind, all_ in changes_of(*size).items()} for _ in "ab")
    assert len(first["patches"]) % PLACES**2 == 0
    for kind, shown in first.items():
        assert all(torch.equal(one, other) for one, other in zip(shown, second[kind], strict=True))
        assert all(one.shape == x.shape and not torch.equal(one, x) for one in shown if x.shape[1] > 1), kind
        assert bool(torch.stack(shown).isfinite().all())


def test_the_same_model_has_the_same_responses() -> None:
    first, second = (responses_of(deep(9.0), vetted()) for _ in range(2))
    assert all(np.array_equal(first[kind], second[kind]) for kind in first)


def test_of_many_classes_some_pictures_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchstone.methods.backdoor.screen.scores.SHOWN", 2)
    assert responses_of(deep(), vetted())["patches"].shape == (PLACES**2, CLASSES)


def test_classes_in_portions_give_the_same_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    (x, y), held = pictures(), pictures(seed=1)
    whole = turning_areas(reading_rows(), (x, y), held, CLASSES)
    monkeypatch.setattr("touchstone.methods.backdoor.screen.perturbation.AT_ONCE", 1)
    assert torch.equal(turning_areas(reading_rows(), (x, y), held, CLASSES), whole)


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
