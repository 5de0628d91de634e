"""The masking panel: silent on honest models, warns of each planted defect, changes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
datasets = pytest.importorskip("sklearn.datasets")
from torch import nn  # noqa: E402

from touchstone.methods.attacks.gradient.balls import Ball  # noqa: E402
from touchstone.methods.attacks.gradient.differentiable import Differentiable  # noqa: E402
from touchstone.methods.attacks.masking import FEWEST_SAMPLES, MaskingPanel, masking_panel  # noqa: E402

pytestmark = pytest.mark.torch

BALL = Ball("linf", 0.1, 0.0, 1.0)


@cache
def digits() -> tuple[Any, Any]:
    x, y = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order] / 16).reshape(-1, 1, 8, 8).astype(np.float32), y[order].astype(np.int64)


@cache
def trained(kind: str) -> Any:
    torch.manual_seed(0)
    layers: dict[str, Callable[[], list[Any]]] = {
        "linear": lambda: [nn.Flatten(), nn.Linear(64, 10)],
        "mlp": lambda: [nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)],
        "dropout": lambda: [nn.Flatten(), nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.4), nn.Linear(96, 10)],
        "conv": lambda: [
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(128, 10),
        ],
    }  # fmt: skip
    net = nn.Sequential(*layers[kind]())
    x, y = (torch.from_numpy(array[200:]) for array in digits())
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(150):
        rows = torch.randint(0, len(x), (128,))
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimiser.step()
    return net.eval()


def panel(function: Callable[[Any], Any], ball: Ball = BALL, *, n: int = 60, seed: int = 1) -> MaskingPanel:
    x, y = digits()
    return masking_panel(Differentiable(function), x[:n], y[:n], ball, seed=seed, ids=np.arange(n))


def codes(found: MaskingPanel) -> set[str]:
    return {indicator.code for indicator in found.warnings}


@pytest.mark.parametrize("kind", ["linear", "mlp", "dropout", "conv"])
def test_an_honest_model_gets_no_warning(kind: str) -> None:
    found = panel(trained(kind))
    assert found.complete
    assert found.samples == 30
    assert codes(found) == set()
    assert len({indicator.code for indicator in found.indicators}) == len(found.indicators) == 14


@pytest.mark.parametrize("ball", [Ball("l2", 0.6, 0.0, 1.0), Ball("l1", 2.0, 0.0, 1.0), Ball("linf", 0.3, -9.0, 9.0)])
def test_nor_in_another_ball(ball: Ball) -> None:
    assert codes(panel(trained("mlp"), ball)) == set()


def test_a_range_without_ends_leaves_one_question_open() -> None:
    found = panel(trained("mlp"), Ball("linf", 0.1, -math.inf, math.inf))
    assert math.isnan(found["whole-range-withstood"].value)
    assert codes(found) == set()
    cut = panel(lambda x: trained("mlp")(x.detach()), Ball("linf", 0.1, -math.inf, math.inf))
    assert "zero-gradient-lead" in codes(cut)


def _median(x: Any) -> Any:
    windows = nn.functional.pad(x, [1] * 4, mode="reflect").unfold(2, 3, 1).unfold(3, 3, 1)
    return windows.flatten(4).median(dim=-1).values


DEFECTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "quantised": (lambda x: trained("mlp")(torch.round(x * 7) / 7), "zero-gradient-lead"),
    "finely quantised": (lambda x: trained("conv")(torch.round(x * 31) / 31), "zero-gradient-lead"),
    "detached": (lambda x: trained("mlp")(x.detach()), "zero-gradient-lead"),
    "outside of torch": (lambda x: trained("mlp")(torch.tensor(x.detach().numpy())), "search-beats-gradient"),
    "partly detached": (lambda x: trained("mlp")(x.detach()) + 0.1 * x.flatten(1)[:, :10], "unpredicted-change"),
    "scores multiplied": (lambda x: 1000 * trained("mlp")(x), "zero-gradient-cross-entropy"),
    "large scores": (lambda x: 100 * trained("mlp")(x), "saturated-scores"),
    "probabilities": (lambda x: torch.softmax(trained("mlp")(x), dim=1), "probabilities-as-scores"),
    "shattered": (lambda x: trained("mlp")(x + 0.05 * torch.sin(400 * x)), "unpredicted-change"),
    "ripples": (lambda x: trained("conv")(x + 0.05 * torch.sin(80 * x)), "changing-gradient"),
    "noise": (lambda x: trained("mlp")(x + 0.05 * torch.randn_like(x)), "not-deterministic"),
    "median filter": (lambda x: trained("mlp")(_median(x)), "unpredicted-change"),
    "saturated": (lambda x: torch.tanh(200 * trained("mlp")(x)), "zero-gradient-lead"),
    "mixes samples": (lambda x: trained("mlp")(x + 0.3 * x.mean(dim=0)), "depends-on-batch"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found(defect: str) -> None:
    function, expected = DEFECTS[defect]
    assert expected in codes(panel(function))


def test_a_model_left_in_training_mode_is_found() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), trained("mlp")[1:]).train()
    assert "not-deterministic" in codes(panel(net))
    normed = nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), trained("mlp")).train()
    assert "depends-on-batch" in codes(panel(normed))


def test_every_indicator_says_where_it_comes_from_and_what_it_means() -> None:
    for indicator in panel(trained("mlp")).indicators:
        assert indicator.source
        assert indicator.meaning.en
        assert indicator.meaning.zh
        assert indicator.meaning.en != indicator.meaning.zh


def test_too_few_right_answers_are_said_to_be_too_few() -> None:
    x, y = digits()
    wrong = (y[:20] + 1) % 10
    wrong[: FEWEST_SAMPLES - 1] = y[: FEWEST_SAMPLES - 1]
    found = masking_panel(Differentiable(trained("linear")), x[:20], wrong, BALL, seed=1, ids=np.arange(20))
    assert not found.complete
    assert found.samples < FEWEST_SAMPLES
    assert {"not-deterministic", "depends-on-batch"} <= {indicator.code for indicator in found.indicators}
    none = masking_panel(Differentiable(trained("linear")), x[:0], y[:0], BALL, seed=1, ids=np.arange(0))
    assert (none.samples, none.indicators, none.complete) == (0, (), False)


def test_two_classes_and_a_table_are_no_obstacle() -> None:
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 1, (50, 6)).astype(np.float32)
    weights = torch.tensor([[2.0, -1, 1, 0.5, -2, 1], [0.0] * 6]).T

    def function(batch: Any) -> Any:
        return (batch - 0.5) @ weights

    y = function(torch.from_numpy(x)).argmax(dim=1).numpy()
    found = masking_panel(Differentiable(function), x, y, Ball("linf", 0.05, 0, 1), seed=1, ids=np.arange(50))
    assert found.complete
    assert codes(found) == set()


def test_the_same_seed_gives_the_same_panel_also_where_the_model_rolls_dice() -> None:
    def noisy(x: Any) -> Any:
        return trained("mlp")(x + 0.1 * torch.randn_like(x))

    first, again = panel(noisy), panel(noisy)
    assert [one.value for one in first.indicators] == [one.value for one in again.indicators]
    assert first.passes == again.passes
    assert first.passes.forward > 1000


def test_the_model_and_the_world_are_left_as_they_were() -> None:
    net = trained("conv")
    torch.manual_seed(42)
    before = torch.get_rng_state().clone()
    tensors = [tensor.clone() for tensor in net.state_dict().values()]
    model = Differentiable(net)
    x, y = digits()
    for parameter in net.parameters():
        parameter.grad = None
    masking_panel(model, x[:40], y[:40], BALL, seed=3, ids=np.arange(40))
    assert bool((before == torch.get_rng_state()).all())
    assert all(bool((one == two).all()) for one, two in zip(tensors, net.state_dict().values(), strict=True))
    assert all(parameter.grad is None for parameter in net.parameters())
    assert model.passes.total == 0


def test_a_radius_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        panel(trained("linear"), Ball("linf", 0.0, 0.0, 1.0))
