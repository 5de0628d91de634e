"""Faithfulness and stability: known curves, and orders that are no better than chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from touchstone.methods.explanation.faithfulness import (
    deletion_area,
    insertion_area,
    most_important_first,
    random_orders,
)
from touchstone.methods.explanation.parts import columns
from touchstone.methods.explanation.stability import rank_correlation, relative_change, top_overlap
from touchstone.statistics import mean_bounds

N, P = 30, 8
X = np.ones((N, P), dtype=np.float32)
Y = np.zeros(N, dtype=np.int64)
ZERO = np.zeros(P, dtype=np.float32)


def first_only(x, y):
    """All log-odds hang on the first part: probability one with it, zero without."""
    return np.where(x[:, 0] > 0.5, 40.0, -40.0)


def test_areas_of_a_model_that_uses_one_part():
    """Its part first: the curve falls at the first of eight steps; last: at the last."""
    right = np.tile(np.arange(P), (N, 1))
    wrong = right[:, ::-1]
    assert deletion_area(first_only, X, Y, ZERO, columns(P), right) == pytest.approx(0.5 / P)
    assert deletion_area(first_only, X, Y, ZERO, columns(P), wrong) == pytest.approx(1 - 0.5 / P)
    assert insertion_area(first_only, X, Y, ZERO, columns(P), right) == pytest.approx(1 - 0.5 / P)
    assert insertion_area(first_only, X, Y, ZERO, columns(P), wrong) == pytest.approx(0.5 / P)


def test_more_parts_than_levels_go_several_at_a_time():
    asked = []

    def counting(x, y):
        asked.append(len(x))
        return first_only(x, y)

    x = np.ones((2, 100), dtype=np.float32)
    orders = np.tile(np.arange(100), (2, 1))
    area = deletion_area(counting, x, Y[:2], np.zeros(100, np.float32), columns(100), orders)
    assert sum(asked) == 2 * 17
    assert area == pytest.approx(0.03)


def test_a_random_order_is_half_of_what_there_is():
    orders = random_orders(2000, P, np.random.default_rng(0))
    x = np.ones((2000, P), dtype=np.float32)
    areas = deletion_area(first_only, x, np.zeros(2000, np.int64), ZERO, columns(P), orders)
    low, high = mean_bounds(areas)
    assert low <= 0.5 <= high
    assert high - low < 0.1


def test_most_important_parts_come_first():
    np.testing.assert_array_equal(most_important_first(np.array([[0.1, 3.0, -2.0, 3.0]])), [[1, 3, 0, 2]])


@given(st.integers(0, 2**32 - 1))
def test_rank_correlation_is_that_of_scipy(seed):
    a, b = np.random.default_rng(seed).integers(0, 5, size=(2, 3, 7)).astype(float)
    for row, found in enumerate(rank_correlation(a, b)):
        expected = 0.0 if np.ptp(a[row]) == 0 or np.ptp(b[row]) == 0 else spearmanr(a[row], b[row]).statistic
        assert found == pytest.approx(expected, abs=1e-9)


def test_relative_change():
    a = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]])
    b = np.array([[3.0, 9.0], [0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(relative_change(a, b), [1.0, 0.0, np.inf])


def test_overlap_counts_common_top_parts():
    a = np.array([[4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0]])
    b = np.array([[1.0, 3.0, 4.0, 2.0], [4.0, 3.0, 0.0, 1.0]])
    np.testing.assert_array_equal(top_overlap(a, b, 2), [0.5, 1.0])
