import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.privacy.audit import audit, ceiling, epsilon_low


@pytest.mark.parametrize("guesses", [100, 1000, 2000])
def test_the_ceiling_of_pure_privacy_has_a_closed_form(guesses):
    q = 0.05 ** (1 / guesses)
    assert ceiling(guesses, guesses, 0.0) == pytest.approx(math.log(q / (1 - q)), abs=1e-6)


@given(st.integers(1, 200), st.integers(0, 200), st.floats(0, 1e-3))
def test_a_delta_only_weakens_the_bound_and_no_bound_exceeds_the_ceiling(guesses, right, delta):
    right = min(right, guesses)
    found = epsilon_low(right, guesses, 200, delta)
    assert 0 <= found <= epsilon_low(right, guesses, 200, 0.0) <= ceiling(guesses, 200, 0.0)


def randomised_response(generator, canaries, epsilon):
    included = generator.random(canaries) < 0.5
    truthful = generator.random(canaries) < 1 / (1 + math.exp(-epsilon))
    return np.where(truthful, included, ~included).astype(float), included


def test_randomised_response_is_hardly_ever_accused_of_more_than_it_has():
    generator = np.random.default_rng(1)
    wrong = sum(audit(*randomised_response(generator, 200, 1.0), 0.0).low > 1.0 for _ in range(200))
    assert wrong <= 15


def test_what_leaks_far_more_than_claimed_is_found():
    found = audit(*randomised_response(np.random.default_rng(2), 2000, 3.0), 1e-5)
    assert 2.3 < found.low < 3.0 < found.ceiling


def test_scores_that_say_everything_reach_the_ceiling():
    included = np.random.default_rng(3).random(1000) < 0.5
    found = audit(included.astype(float), included, 0.0, rounds=(0.5,))
    assert found.right == found.guesses == 500
    assert found.low == found.ceiling


def test_scores_without_canaries_are_refused():
    with pytest.raises(ValueError, match="canaries"):
        audit(np.zeros(1), np.zeros(1, dtype=bool), 0.0)
