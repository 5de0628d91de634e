import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import comb, logsumexp

from touchstone.methods.privacy.accounting import (
    Training,
    composed_epsilon_bounds,
    epsilon_bounds,
    gaussian_delta,
    gaussian_epsilon,
    renyi_divergence,
    renyi_epsilon,
)

DELTA = 1e-5
PEER = {
    (1.3, 0.102, 300): (8.04042, 8.7985),
    (3.0, 0.102, 300): (2.55060, 2.7827),
    (1.0, 0.01, 10_000): (6.18774, 6.7124),
    (0.6, 0.001, 1000): (1.42526, 2.5426),
}
"""Upper bounds by dp-accounting 0.6.0: connect-the-dots at a distance of 1e-4, and Renyi over orders 1.01 to 10."""

trainings = st.builds(Training, st.floats(0.7, 4.0), st.floats(0.001, 1.0), st.integers(1, 300))


@pytest.mark.parametrize(("setting", "known"), PEER.items())
def test_an_independent_accountant_agrees(setting, known):
    training = Training(*setting)
    bounds = epsilon_bounds(training, DELTA)
    assert bounds.low <= known[0] <= bounds.high * 1.0005
    assert bounds.high == pytest.approx(known[0], rel=2e-4)
    assert bounds.low == pytest.approx(known[0], rel=2e-3)
    assert renyi_epsilon(training, DELTA) == pytest.approx(known[1], rel=1.5e-3)


@pytest.mark.parametrize(("sigma", "steps"), [(0.8, 1), (2.0, 10), (20.0, 100)])
def test_without_sampling_the_exact_answer_lies_between_the_bounds(sigma, steps):
    exact = gaussian_epsilon(sigma / math.sqrt(steps), DELTA)
    assert gaussian_delta(sigma / math.sqrt(steps), exact) == pytest.approx(DELTA)
    bounds = epsilon_bounds(Training(sigma, 1.0, steps), DELTA)
    assert bounds.low <= exact <= bounds.high
    assert bounds.high - bounds.low < 0.002 * exact


def test_the_renyi_divergence_of_a_whole_order_is_a_binomial_sum():
    sigma, q, order = 1.3, 0.102, 4
    k = np.arange(order + 1)
    logs = np.log(comb(order, k)) + (order - k) * math.log(1 - q) + k * math.log(q) + k * (k - 1) / (2 * sigma**2)
    assert renyi_divergence(Training(sigma, q, 1), order) == pytest.approx(logsumexp(logs) / (order - 1), rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(trainings)
def test_the_bounds_are_ordered_and_the_looser_accountant_is_not_below(training):
    bounds = epsilon_bounds(training, DELTA)
    assert 0 <= bounds.low <= bounds.high <= renyi_epsilon(training, DELTA) * (1 + 1e-3)


@settings(max_examples=10, deadline=None)
@given(trainings)
def test_more_noise_fewer_steps_and_rarer_sampling_never_cost_more(training):
    sigma, q, steps = training.noise_multiplier, training.sampling_rate, training.steps
    low = epsilon_bounds(training, DELTA).low
    for safer in (Training(1.3 * sigma, q, steps), Training(sigma, q / 2, steps), Training(sigma, q, -(-steps // 2))):
        assert epsilon_bounds(safer, DELTA).low <= epsilon_bounds(training, DELTA).high
    assert epsilon_bounds(training, DELTA / 10).high >= low


def test_runs_one_after_another_cost_what_one_run_of_all_steps_costs():
    whole = epsilon_bounds(Training(1.5, 0.05, 100), DELTA)
    parts = composed_epsilon_bounds([Training(1.5, 0.05, 60), Training(1.5, 0.05, 40)], DELTA)
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), rel=1e-3)


def test_unlike_runs_cost_more_than_either_and_less_than_their_sum():
    one, other = Training(1.5, 0.05, 100), Training(4.0, 1.0, 5)
    both = composed_epsilon_bounds([one, other], DELTA)
    alone = [epsilon_bounds(each, DELTA) for each in (one, other)]
    assert max(each.low for each in alone) < both.low <= both.high
    halves = [epsilon_bounds(each, DELTA / 2).high for each in (one, other)]
    assert both.high <= sum(halves)


@pytest.mark.parametrize("bad", [(0.0, 0.1, 1), (math.inf, 0.1, 1), (1.0, 0.0, 1), (1.0, 1.1, 1), (1.0, 0.1, 0)])
def test_numbers_of_no_mechanism_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        Training(*bad)


def test_a_delta_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="delta"):
        epsilon_bounds(Training(1.0, 0.1, 1), 0.0)


def test_a_delta_beyond_floating_point_is_not_certified():
    assert epsilon_bounds(Training(1.0, 0.01, 1000), 1e-15).high == math.inf
