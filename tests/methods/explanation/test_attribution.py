"""Attributions that are known in closed form, and what holds for every model."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.explanation import attribution
from touchstone.methods.explanation.attribution import (
    gradient_shap,
    gradient_times_input,
    integrated_gradients,
    log_odds,
    occlusion,
    smooth_gradients,
)
from touchstone.methods.explanation.importance import replacement_losses
from touchstone.methods.explanation.parts import Parts, cells, columns, stretches
from touchstone.methods.explanation.shapley import shapley_values

WEIGHTS = np.array([2.0, -1.0, 0.5, 0.0], dtype=np.float32)
Y = np.ones(5, dtype=np.int64)
generator = np.random.default_rng(3)
X = generator.normal(size=(5, 4)).astype(np.float32)
BASELINE = generator.normal(size=4).astype(np.float32)


def always(row):
    return lambda dice: np.tile(row, (len(X), 1))


def among(rows):
    return lambda dice: rows[dice.integers(len(rows), size=len(X))]


def linear(x, y):
    return np.where(y == 1, 1, -1) * (x @ WEIGHTS).astype(np.float64)


def linear_slopes(x, y):
    return np.where(y == 1, 1, -1)[:, None].astype(np.float32) * WEIGHTS


def product(x, y):
    """Log-odds with an interaction: `3ab + c`."""
    return (3 * x[:, 0] * x[:, 1] + x[:, 2]).astype(np.float64)


def product_slopes(x, y):
    return np.stack([3 * x[:, 1], 3 * x[:, 0], np.ones(len(x)), np.zeros(len(x))], axis=1).astype(np.float32)


def test_on_a_linear_model_all_methods_agree_with_the_weights():
    expected = WEIGHTS * (X - BASELINE)
    dice = np.random.default_rng(0)
    spread = np.full(4, 0.3)
    found = {
        "gradient": gradient_times_input(linear_slopes, X, Y, BASELINE),
        "integrated": integrated_gradients(linear_slopes, X, Y, BASELINE),
        "smooth": smooth_gradients(linear_slopes, X, Y, BASELINE, spread, dice),
        "shap": gradient_shap(linear_slopes, X, Y, always(BASELINE), dice),
        "occlusion": occlusion(linear, X, Y, BASELINE, columns(4)),
        "shapley": shapley_values(linear, X, Y, always(BASELINE), columns(4), dice, pairs=2).values,
    }
    for name, values in found.items():
        np.testing.assert_allclose(values, expected, atol=1e-5, err_msg=name)


def test_integrated_gradients_add_up_to_the_difference():
    """`ab` from (0, 0) to (a, b) gives each half of it (Sundararajan et al. 2017)."""
    zero = np.zeros(4, dtype=np.float32)
    found = integrated_gradients(product_slopes, X, Y, zero)
    half = 1.5 * X[:, 0] * X[:, 1]
    np.testing.assert_allclose(found[:, :3], np.stack([half, half, X[:, 2]], axis=1), rtol=1e-4, atol=1e-5)


def exact_shapley(x, background):
    """All 24 permutations with all background rows."""
    values = np.zeros(4)
    for order in permutations(range(4)):
        for row in background:
            now = row.copy()
            for part in order:
                before = product(now[None], None)[0]
                now[part] = x[part]
                values[part] += product(now[None], None)[0] - before
    return values / (24 * len(background))


def test_sampled_shapley_values_are_unbiased_with_honest_errors():
    background = np.random.default_rng(8).normal(size=(3, 4)).astype(np.float32)
    exact = np.stack([exact_shapley(x, background) for x in X])
    found = shapley_values(product, X, Y, among(background), columns(4), np.random.default_rng(1), pairs=64)
    varied = found.errors > 1e-9
    scaled = (found.values - exact)[varied] / found.errors[varied]
    assert np.abs(scaled).max() < 5
    assert 0.5 < np.sqrt((scaled**2).mean()) < 1.6
    np.testing.assert_allclose(found.values[:, 3], 0, atol=1e-9)  # a part that nothing depends on


def test_antithetic_pairs_leave_no_error_on_pairwise_interactions():
    """Against one background row, a permutation and its reverse give the exact values of `ab`."""
    found = shapley_values(product, X, Y, always(BASELINE), columns(4), np.random.default_rng(2), pairs=2)
    np.testing.assert_allclose(found.values, [exact_shapley(x, BASELINE[None]) for x in X], atol=1e-5)
    assert found.errors.max() < 1e-5


def test_a_single_pair_has_no_error_to_state():
    with pytest.raises(ValueError, match="two pairs"):
        shapley_values(linear, X, Y, among(X), columns(4), generator, pairs=1)


def test_little_memory_gives_the_same_numbers(monkeypatch):
    whole = occlusion(product, X, Y, BASELINE, columns(4))
    values = shapley_values(product, X, Y, among(X), columns(4), np.random.default_rng(4)).values
    monkeypatch.setattr(attribution, "MOST_ELEMENTS", 1)
    np.testing.assert_array_equal(occlusion(product, X, Y, BASELINE, columns(4)), whole)
    again = shapley_values(product, X, Y, among(X), columns(4), np.random.default_rng(4)).values
    np.testing.assert_array_equal(again, values)


def test_log_odds_of_certainty_are_finite():
    found = log_odds(np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([0, 1]))
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(np.log(3))


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 6))
def test_cells_are_a_partition_and_sums_are_kept(channels, height, width, across):
    parts = cells((channels, height, width), across)
    assert set(np.unique(parts.of)) == set(range(parts.count))
    assert parts.count == min(across, height) * min(across, width)
    assert (parts.of == parts.of[:1]).all()
    values = np.random.default_rng(0).normal(size=(2, channels, height, width)).astype(np.float32)
    by_hand = [[value[parts.of == part].sum() for part in range(parts.count)] for value in values]
    np.testing.assert_allclose(parts.sums(values), by_hand, rtol=1e-4, atol=1e-5)


@given(st.integers(1, 4), st.integers(1, 30), st.integers(1, 40))
def test_stretches_keep_channels_apart(channels, times, most):
    parts = stretches((channels, times), most)
    assert set(np.unique(parts.of)) == set(range(parts.count))
    assert parts.count % channels == 0
    assert parts.count <= max(most, channels)
    assert not set(parts.of[0]) & set(parts.of[1:].ravel())


def test_elements_and_pictures_follow_the_parts():
    parts = Parts(np.array([[0, 0], [1, 2]]))
    np.testing.assert_array_equal(parts.elements(np.array([True, False, True])), [[True, True], [False, True]])
    np.testing.assert_array_equal(parts.picture(np.array([5.0, 6.0, 7.0])), [[5, 5], [6, 7]])


def test_importance_is_of_the_part_that_decides():
    dice = np.random.default_rng(5)
    x = dice.normal(size=(400, 3)).astype(np.float32)
    target = (x[:, 1] > 0).astype(np.int64)
    losses = replacement_losses(lambda x: (x[:, 1] > 0).astype(np.int64), x, target, x, columns(3), dice)
    assert losses.shape == (400, 3)
    assert (losses[:, [0, 2]] == 0).all()
    assert losses[:, 1].mean() == pytest.approx(0.5, abs=0.1)
