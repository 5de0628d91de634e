"""Inversion: the representative lies where the class is, and a memorised row is told from a row never seen."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from touchstone.methods.privacy.inversion import nearer_to_training, nearness, representatives  # noqa: E402

pytestmark = pytest.mark.torch


def test_a_representative_moves_towards_its_class_and_stays_legal() -> None:
    generator = np.random.default_rng(0)
    x = generator.uniform(size=(200, 1, 4, 4)).astype(np.float32)
    side = torch.ones(1, 4, 4)
    side[..., 2:] = -1

    def scores(points: torch.Tensor) -> torch.Tensor:
        bright = (points * side).flatten(1).sum(dim=1)
        return torch.stack([-bright, bright], dim=1)

    dark, bright = representatives(scores, x, np.array([0, 1]), low=0.0, high=1.0)
    for bright_side, dark_side in ((bright[..., :2], bright[..., 2:]), (dark[..., 2:], dark[..., :2])):
        assert bright_side.mean() > 0.6
        assert dark_side.mean() < 0.4
    assert min(dark.min(), bright.min()) >= 0
    assert max(dark.max(), bright.max()) <= 1


def test_nearness_is_correlation() -> None:
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(3, 2, 5)).astype(np.float32)
    near = nearness(3 * rows[0] + 2, rows)
    assert near[0] == pytest.approx(1.0)
    assert near[1] == pytest.approx(np.corrcoef(rows[0].ravel(), rows[1].ravel())[0, 1], abs=1e-6)


@pytest.mark.parametrize("remembered", [False, True])
def test_memorised_rows_are_told_from_others(remembered: bool) -> None:
    generator = np.random.default_rng(2)
    near = []
    for _ in range(8):
        values, trained = generator.uniform(0, 0.5, size=40), np.arange(40) < 20
        if remembered:
            values[3] = 0.95
        near.append((values, trained))
    excess, p_value = nearer_to_training(near, generator)
    assert (p_value <= 0.01) == remembered
    assert (excess > 0.3) == remembered
