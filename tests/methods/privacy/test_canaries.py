"""Canaries: rates with bounds, exposures with their known mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.privacy.canaries import exposure, extraction_rate


def test_no_hit_among_3700_meets_a_tenth_of_a_percent() -> None:
    nothing = np.zeros(3_700, dtype=bool)
    assert extraction_rate(nothing, nothing).high <= 0.001
    assert extraction_rate(nothing[:3_600], nothing[:3_600]).high > 0.001


def test_labels_given_anyway_are_not_extracted() -> None:
    given_anyway = np.arange(1_000) % 2 == 0
    found = extraction_rate(given_anyway, given_anyway)
    assert (found.value, found.low) == (0, 0)
    assert extraction_rate(np.ones(1_000, dtype=bool), given_anyway).low > 0.9


def test_labels_that_everybody_would_give_show_nothing() -> None:
    """Rows with their own labels are no canaries: that all get them says neither that they were learnt nor that not."""
    always = np.ones(8_000, dtype=bool)
    found = extraction_rate(always, always)
    assert (found.value, found.low, found.high) == (0, 0, 1)
    nearly = np.arange(8_000) > 80
    assert extraction_rate(nearly, nearly).high > 0.1


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_bounds_contain_the_rate(n: int, m: int, data: st.DataObject) -> None:
    hits, chance = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    found = extraction_rate(np.arange(n) < hits, np.arange(m) < chance)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_without_memory_exposure_is_1_44_bits() -> None:
    """The mean logarithm of a uniform share is -1 / ln 2 bits."""
    generator = np.random.default_rng(0)
    scores = generator.normal(size=20_000)
    found = exposure(scores[:10_000], scores[10_000:], generator)
    assert found.value == pytest.approx(1 / np.log(2), abs=0.05)


def test_equal_scores_tell_as_little_as_chance() -> None:
    generator = np.random.default_rng(1)
    found = exposure(np.ones(5_000), np.ones(5_000), generator)
    assert found.value == pytest.approx(1 / np.log(2), abs=0.1)


def test_a_canary_above_all_others_has_the_most_bits() -> None:
    found = exposure(np.full(50, 9.0), np.arange(7.0), np.random.default_rng(2))
    assert found.value == pytest.approx(3.0)
    assert found.low <= 3.0 <= found.high + 1e-9


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_exposure_lies_between_nothing_and_the_most(seed: int, n: int, m: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 5, size=n + m).astype(np.float64)
    found = exposure(scores[:n], scores[n:], generator)
    assert 0 <= found.low <= found.value <= found.high <= np.log2(m + 1) + 1e-9
