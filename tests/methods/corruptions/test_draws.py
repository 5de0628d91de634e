import numpy as np
import pytest

from touchstone.methods.corruptions.draws import SampleDraws


def test_a_sample_draws_the_same_in_every_company() -> None:
    together = SampleDraws(3, range(20))
    alone = [SampleDraws(3, [sample]) for sample in range(20)]
    for draw in (
        lambda draws: draws.normal(4, 2),
        lambda draws: draws.uniform(low=-1, high=1),
        lambda draws: draws.signs(3),
        lambda draws: draws.below(7, 2),
        lambda draws: draws.poisson(np.full((len(draws), 5), 9, dtype=np.float32)),
    ):
        np.testing.assert_array_equal(draw(together), np.concatenate([draw(each) for each in alone]))


def test_samples_and_seeds_draw_differently() -> None:
    numbers = {SampleDraws(seed, [sample]).normal(1).item() for seed in range(10) for sample in range(10)}
    assert len(numbers) == 100


def test_the_distributions_are_what_they_say() -> None:
    draws = SampleDraws(0, range(50))
    normal = draws.normal(1000)
    assert (normal.mean(), normal.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    uniform = draws.uniform(1000, low=-2, high=4)
    assert (uniform.min(), uniform.max(), uniform.mean()) == pytest.approx((-2, 4, 1), abs=0.05)
    assert set(np.unique(draws.below(5, 100))) == set(range(5))
    assert draws.signs(1000).mean() == pytest.approx(0, abs=0.03)
    counts = draws.poisson(np.full((50, 1000), 12, dtype=np.float32))
    assert (counts.mean(), counts.var()) == (pytest.approx(12, rel=0.02), pytest.approx(12, rel=0.03))
