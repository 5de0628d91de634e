"""The comparison treats the suspect as one of the models, so that its rank is a fair p-value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchstone.methods.backdoor.conformal import conformal_p_value
from touchstone.methods.backdoor.screen.combination import Responses, anomaly_index, compare


def models(responses: NDArray[np.float64]) -> list[Responses]:
    """Two kinds of changes of a third and two thirds of what each model has."""
    third = responses.shape[1] // 3
    return [{"few": one[:third], "many": one[third:]} for one in responses]


def drawn(n: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).gamma(2, size=(n, 6, 4))


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 40), place=st.integers(0, 40))
def test_who_is_called_the_suspect_changes_no_score(seed: int, n: int, place: int) -> None:
    all_models = models(np.random.default_rng(seed).standard_cauchy((n + 1, 6, 4)))
    place %= n + 1
    first = compare(all_models[0], all_models[1:])
    chosen = compare(all_models[place], all_models[:place] + all_models[place + 1 :])
    scores = np.array([first.score, *first.references])
    assert chosen.score == pytest.approx(scores[place])
    assert np.sort([chosen.score, *chosen.references]) == pytest.approx(np.sort(scores))


def test_one_honest_model_in_twenty_is_flagged() -> None:
    flagged = 0
    for responses in np.random.default_rng(0).gamma(2, size=(2000, 20, 6, 4)):
        suspect, *references = models(responses)
        comparison = compare(suspect, references)
        flagged += conformal_p_value(comparison.score, comparison.references) <= 0.05
    assert flagged / 2000 == pytest.approx(0.05, abs=0.015)


def test_what_no_reference_does_is_found_with_its_class_and_kind() -> None:
    responses = drawn(20)
    responses[0, 4, 2] += 30
    suspect, *references = models(responses)
    comparison = compare(suspect, references)
    assert comparison.score > comparison.references.max()
    assert comparison.target == 2
    assert comparison.score == comparison.kinds["many"] > comparison.kinds["few"]


def test_what_all_models_do_alike_is_no_news() -> None:
    """One class is near another by nature: all models turn to it."""
    responses = drawn(20)
    suspect, *references = models(responses)
    score = compare(suspect, references).score
    responses[:, 3, 1] += 100
    suspect, *references = models(responses)
    assert compare(suspect, references).score == pytest.approx(score)


def test_equal_responses_say_nothing() -> None:
    suspect, *references = models(np.ones((20, 6, 4)))
    comparison = compare(suspect, references)
    assert comparison.score == 0
    assert not comparison.references.any()


def test_the_anomaly_index_is_that_of_the_median_absolute_deviation() -> None:
    assert anomaly_index(np.array([0.0, 1.0, 2.0, 3.0, 12.0])) == pytest.approx((12 - 2) / 1.4826)
