"""Attribute inference: what the model adds to imputation, on average over values, with bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchstone.methods.privacy.attribute import Gains, Persons, advantage, infer_attribute

N = 400


def persons(seed: int, *, imputed: float = 0.0, told: float = 0.0, rare: float = 0.5, n: int = N) -> Persons:
    """Persons whose attribute is copied into a known column, and into what is told, with these chances."""
    generator = np.random.default_rng(seed)
    value = (generator.random(n) < rare).astype(np.int64)

    def copied(chance: float) -> NDArray[np.float64]:
        return np.where(generator.random(n) < chance, value, generator.random(n) < rare).astype(np.float64)

    known = np.column_stack([generator.normal(size=n), copied(imputed)])
    return Persons(known, np.column_stack([copied(told), generator.normal(size=n)]), value)


def gained(who: Persons, seed: int = 0) -> float:
    generator = np.random.default_rng(seed)
    return advantage([infer_attribute(who, generator)], generator).estimate


def test_what_only_the_model_tells_is_gained() -> None:
    """Half are copied, the other half are right by chance: 0.75 against 0.5."""
    assert gained(persons(1, told=0.5, n=2_000)) == pytest.approx(0.25, abs=0.06)


def test_what_the_other_columns_tell_as_well_is_not() -> None:
    assert gained(persons(2, imputed=0.9, told=0.5)) == pytest.approx(0.0, abs=0.05)


def test_answers_that_tell_nothing_gain_nothing() -> None:
    assert gained(persons(3, imputed=0.5)) == pytest.approx(0.0, abs=0.06)


def test_a_leak_of_a_rare_value_counts_in_full() -> None:
    """One in ten; all of them exposed. Plain accuracy could gain a tenth at most."""
    assert gained(persons(4, told=1.0, rare=0.1, n=2_000)) > 0.4


def test_what_anybody_gives_away_is_no_advantage_over_members() -> None:
    generator = np.random.default_rng(5)
    sides = [infer_attribute(persons(seed, told=0.6, n=1_000), generator) for seed in (6, 7)]
    found = advantage(sides, generator)
    assert found.low < 0 < found.high
    alone = advantage(sides[:1], generator)
    assert alone.low > 0.1


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.integers(20, 120),
    st.integers(20, 300),
)
def test_bounds_contain_the_estimate_and_do_not_depend_on_the_order(
    seed: int, gain: float, loss: float, fewest: int, most: int
) -> None:
    generator = np.random.default_rng(seed)
    value = np.repeat([0, 1], [fewest, most])
    drawn = generator.choice([-1, 0, 1], size=len(value), p=[loss, 1 - gain - loss, gain])
    found = advantage([Gains(drawn, value)], generator)
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    assert found.n == min(fewest, most)
    order = generator.permutation(len(value))
    again = advantage([Gains(drawn[order], value[order])], generator)
    assert again.estimate == pytest.approx(found.estimate)


def test_the_bounds_hold_as_often_as_they_say() -> None:
    """The truth of a value's gain is known; one bound each way misses in at most 5 % of runs, by a margin of chance."""
    truth, misses, runs = (0.3 - 0.1 + 0.05 - 0.05) / 2, 0, 120
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        common = generator.choice([-1, 0, 1], size=150, p=[0.05, 0.9, 0.05])
        rare = generator.choice([-1, 0, 1], size=40, p=[0.1, 0.6, 0.3])
        gains = Gains(np.concatenate([common, rare]), np.repeat([0, 1], [150, 40]))
        found = advantage([gains], generator)
        misses += (found.low > truth) + (found.high < truth)
    assert misses / runs <= 0.1


def test_too_few_persons_of_all_but_one_value_are_refused() -> None:
    with pytest.raises(ValueError, match="two values"):
        advantage([Gains(np.zeros(50, dtype=np.int64), np.repeat([0, 1], [45, 5]))], np.random.default_rng(0))
