"""Projections: inside ball and range, nearest of all such points, and at rest there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

torch = pytest.importorskip("torch")

from touchstone.methods.attacks.gradient.balls import Ball, Norm, length  # noqa: E402

pytestmark = pytest.mark.torch

norms = st.sampled_from(["linf", "l2", "l1"])


@settings(max_examples=150, deadline=None)
@given(norms, st.integers(1, 12), st.floats(0.01, 3), st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_a_projection_lies_inside_and_stays(norm: Norm, size: int, radius: float, seed: int, spread: float) -> None:
    generator = np.random.default_rng(seed)
    x = torch.from_numpy(generator.uniform(0, 1, (5, size)).astype(np.float32))
    moved = x + torch.from_numpy(generator.normal(0, spread, (5, size)).astype(np.float32))
    ball = Ball(norm, radius, 0.0, 1.0)
    inside = ball.project(x, moved)
    assert bool(ball.contains(x, inside).all())
    assert bool((length(inside.double() - x.double(), norm) <= radius * (1 + 1e-5) + 1e-6).all())
    assert torch.allclose(ball.project(x, inside), inside, atol=2e-5)


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("seed", range(6))
def test_a_projection_is_the_nearest_point(norm: Norm, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 1, 5)
    moved = x + generator.normal(0, 1, 5)
    radius = 0.7
    ours = Ball(norm, radius, 0.0, 1.0).project(
        torch.from_numpy(x[None].astype(np.float32)), torch.from_numpy(moved[None].astype(np.float32))
    )[0]
    order = {"l2": 2, "l1": 1}[norm]
    best = minimize(
        lambda point: ((point - moved) ** 2).sum(),
        x,
        bounds=[(0, 1)] * 5,
        constraints={"type": "ineq", "fun": lambda point: radius - np.linalg.norm(point - x, order)},
        options={"maxiter": 500, "ftol": 1e-12},
    )
    distance = float(((ours.double().numpy() - moved) ** 2).sum())
    assert distance <= best.fun + 1e-3


def test_a_point_outside_is_not_contained() -> None:
    x = torch.full((3, 4), 0.5)
    ball = Ball("l2", 0.2, 0.0, 1.0)
    far = x + torch.tensor([[0.1] * 4, [0.11] * 4, [0.0, 0.0, 0.0, 0.6]])
    assert ball.contains(x, far).tolist() == [True, False, False]
