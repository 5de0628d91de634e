"""The combined score treats the suspect as one of the models, so that its rank is a fair p-value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.backdoor.conformal import conformal_p_value
from touchstone.methods.backdoor.screen.combination import CLIP, anomaly_index, combine


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 40), place=st.integers(0, 40))
def test_who_is_called_the_suspect_changes_no_score(seed: int, n: int, place: int) -> None:
    models = np.random.default_rng(seed).standard_cauchy((n + 1, 4))
    place %= n + 1
    first, others = combine(models[0], models[1:])
    chosen, rest = combine(models[place], np.delete(models, place, axis=0))
    assert chosen == pytest.approx([first, *others][place])
    assert np.sort([first, *others]) == pytest.approx(np.sort([chosen, *rest]))


def test_one_honest_model_in_twenty_is_flagged() -> None:
    random = np.random.default_rng(0)
    flagged = sum(
        conformal_p_value(*combine(models[0], models[1:])) <= 0.05 for models in random.gamma(2, size=(4000, 20, 4))
    )
    assert flagged / 4000 == pytest.approx(0.05, abs=0.012)


def test_one_statistic_alone_cannot_outvote_the_others() -> None:
    references = np.random.default_rng(1).normal(size=(30, 4))
    score, _ = combine(np.array([1e9, 0.0, 0.0, 0.0]), references)
    assert score == pytest.approx(CLIP / 4, abs=0.2)


def test_equal_statistics_say_nothing() -> None:
    score, others = combine(np.ones(3), np.ones((19, 3)))
    assert score == 0
    assert not others.any()


def test_the_anomaly_index_is_that_of_the_median_absolute_deviation() -> None:
    assert anomaly_index(np.array([0.0, 1.0, 2.0, 3.0, 12.0])) == pytest.approx((12 - 2) / 1.4826)
