"""The gradient that patches follow: what the attacker wants, and nothing more once it is reached."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from touchstone.methods.attacks.gradient.differentiable import Differentiable  # noqa: E402
from touchstone.methods.attacks.patch.slope import slope_of  # noqa: E402

pytestmark = pytest.mark.torch

WEIGHTS = torch.eye(3).reshape(3, 3, 1, 1)
MODEL = Differentiable(lambda x: torch.nn.functional.conv2d(x, WEIGHTS).mean(dim=(2, 3)))
"""The class is the brightest channel."""


def picture(*channels: float) -> np.ndarray:
    return np.broadcast_to(np.array(channels, dtype=np.float32)[None, :, None, None], (1, 3, 4, 4)).copy()


def signs(x: np.ndarray, wanted: int, scale: float = 1.0) -> list[float]:
    slope = slope_of(MODEL, scale)(x, np.array([0]), np.array([wanted]))
    return [float(value) for value in np.sign(slope.mean(axis=(0, 2, 3)))]


def test_the_nearest_other_class_is_raised_at_the_cost_of_the_right_one() -> None:
    assert signs(picture(0.9, 0.5, 0.2), -1) == [-1, 1, 0]


def test_a_wanted_class_is_raised_at_the_cost_of_the_best_other() -> None:
    assert signs(picture(0.9, 0.5, 0.2), 2) == [-1, 0, 1]


def test_a_clear_lead_is_enough() -> None:
    assert signs(picture(0.1, 0.9, 0.2), -1, scale=0.5) == [0, 0, 0]
    assert signs(picture(0.1, 0.9, 0.2), -1, scale=1.0) == [-1, 1, 0]


def test_a_refusal_is_no_way_out() -> None:
    slope = slope_of(MODEL, 1.0, refusal=1)
    gradient = slope(picture(0.9, 0.5, 0.2), np.array([0]), np.array([-1]))
    assert np.sign(gradient.mean(axis=(0, 2, 3))).tolist() == [-1, 0, 1]
    refused = slope(picture(0.2, 0.9, 0.5), np.array([0]), np.array([-1]))
    assert np.sign(refused.mean(axis=(0, 2, 3))).tolist() == [0, -1, 1]
