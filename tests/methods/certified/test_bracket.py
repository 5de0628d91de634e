"""The bracket holds certified, true and empirical in this order, and notices when it cannot."""

import numpy as np
import pytest

from touchstone.methods.certified.bracket import ContradictionError, bracket
from touchstone.statistics import proportion_bounds


def test_the_bounds_are_those_of_each_side() -> None:
    certified, standing = np.arange(50) < 20, np.arange(50) < 35
    found = bracket(certified, standing, looks=2)
    assert (found.certified, found.standing, found.n) == (20, 35, 50)
    assert found.low == proportion_bounds(20, 50, looks=2)[0]
    assert found.high == proportion_bounds(35, 50, looks=2)[1]
    assert found.low < 20 / 50
    assert found.high > 35 / 50


def test_no_samples_say_nothing() -> None:
    none = np.zeros(0, dtype=bool)
    assert (bracket(none, none).low, bracket(none, none).high) == (0.0, 1.0)


def test_a_certified_sample_that_fell_is_a_contradiction() -> None:
    with pytest.raises(ContradictionError, match=r"rows \[1\]") as raised:
        bracket(np.array([True, True, False]), np.array([True, False, True]))
    assert raised.value.rows.tolist() == [1]


def test_it_brackets_the_truth_as_often_as_it_says() -> None:
    """Truly robust with chance 0.6; certificates and attacks each miss some."""
    generator, missed = np.random.default_rng(1), 0
    for _ in range(400):
        draw = generator.random(60)
        found = bracket(draw < 0.58, draw < 0.62, confidence=0.95)
        missed += not found.low <= 0.6 <= found.high
    assert missed <= 40  # two sides at 5 % each, on 400 draws


def test_arrays_must_fit() -> None:
    with pytest.raises(ValueError, match="one axis"):
        bracket(np.zeros(3, dtype=bool), np.zeros(4, dtype=bool))
