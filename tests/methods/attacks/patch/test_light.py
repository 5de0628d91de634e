from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.attacks.patch.light import LIGHTS, relit


@pytest.mark.parametrize("name", LIGHTS)
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_light_changes_the_picture_and_stays_in_range(name: str, low: float, high: float, channels: int) -> None:
    x = np.random.default_rng(0).uniform(low, high, (4, channels, 9, 12)).astype(np.float32)
    seeds = np.array([1, 2, 3, 4])
    changed = relit(name, x, seeds, low=low, high=high)
    assert changed.shape == x.shape
    assert changed.min() >= low
    assert changed.max() <= high
    if (name, channels) != ("coloured", 1):
        assert (changed != x).any(axis=(1, 2, 3)).all()
    alone = relit(name, x[2:3], seeds[2:3], low=low, high=high)
    assert (alone[0] == changed[2]).all()


def test_a_shadow_darkens_half_of_the_picture() -> None:
    x = np.ones((20, 1, 30, 30), dtype=np.float32)
    dark = relit("shadow", x, np.arange(20), low=0, high=1) < 1
    assert dark.mean(axis=(1, 2, 3)) == pytest.approx(0.5, abs=0.06)
