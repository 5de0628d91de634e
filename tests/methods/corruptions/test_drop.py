import numpy as np
import pytest

from touchstone.methods.corruptions.drop import mean_drop_bounds


def test_the_mean_drop_bounds_cover() -> None:
    """100 draws of 100 samples from a known population: clean 0.8; survival 0.9 of the right, 0.2 of the wrong."""
    true_drop = 1 - (0.8 * 0.9 + 0.2 * 0.2) / 0.8
    generator = np.random.default_rng(0)
    misses = np.zeros(2)
    for _ in range(100):
        clean = generator.random(100) < 0.8
        share = np.clip(np.where(clean, 0.9, 0.2) + generator.uniform(-0.1, 0.1, 100), 0, 1)
        low, high = mean_drop_bounds(clean, share, 1)
        misses += [low > true_drop, high < true_drop]
    assert (misses <= 5).all()


def test_with_nothing_but_survivors_the_drop_is_bounded_by_zero() -> None:
    everything = np.ones(400, dtype=bool)
    low, high = mean_drop_bounds(everything, everything.astype(np.float64), 1)
    assert low <= 0 < high < 0.02


def test_more_looks_widen_the_bounds() -> None:
    generator = np.random.default_rng(1)
    clean = generator.random(200) < 0.9
    share = np.where(clean, generator.uniform(0.5, 1, 200), 0.1)
    one, seven = mean_drop_bounds(clean, share, 1), mean_drop_bounds(clean, share, 7)
    assert seven[0] < one[0] < 1 - share.mean() / clean.mean() < one[1] < seven[1]


@pytest.mark.parametrize("wrong", [0, 10])
def test_a_complete_loss_is_a_drop_of_one(wrong: int) -> None:
    clean = np.arange(100) >= wrong
    low, high = mean_drop_bounds(clean, np.zeros(100), 1)
    assert low > 0.8
    assert high == pytest.approx(1)
