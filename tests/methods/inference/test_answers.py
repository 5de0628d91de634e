import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.inference.answers import Answers, References, log_odds, paired_halves


def test_log_odds_are_those_of_the_true_class() -> None:
    odds = log_odds(np.array([[0.8, 0.1, 0.1], [0.5, 0.5, 0.0]]), np.array([0, 1]))
    np.testing.assert_allclose(odds, [np.log(4), 0.0])


def test_very_sure_answers_are_still_told_apart() -> None:
    """All of them are 1.0 as far as the true class goes; the rest still differs."""
    rest = np.array([1e-17, 1e-20, 1e-25])
    odds = log_odds(np.stack([np.ones(3), rest], axis=1), np.zeros(3, dtype=np.int64))
    np.testing.assert_allclose(odds, -np.log(rest))


def test_answers_without_any_chance_are_finite() -> None:
    assert np.isfinite(log_odds(np.eye(2), np.array([0, 0]))).all()


def test_rows_of_answers_keep_their_references() -> None:
    references = References(np.arange(6.0).reshape(2, 3), np.array([[True, False, True], [False, True, False]]))
    some = Answers(np.eye(3), np.arange(3), references)[np.array([2, 0])]
    assert some.references is not None
    assert some.references.log_odds.tolist() == [[2.0, 0.0], [5.0, 3.0]]
    assert some.references.trained.tolist() == [[True, True], [False, False]]


@given(st.integers(2, 50), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_every_sample_is_known_to_half_of_the_references(n: int, pairs: int, seed: int) -> None:
    trained = paired_halves(n, 2 * pairs, np.random.default_rng(seed))
    assert trained.shape == (2 * pairs, n)
    assert (trained.sum(axis=0) == pairs).all()
    assert set(trained.sum(axis=1).tolist()) <= {n // 2, n - n // 2}


def test_an_odd_reference_has_no_partner() -> None:
    with pytest.raises(ValueError, match="pairs"):
        paired_halves(10, 3, np.random.default_rng(0))
