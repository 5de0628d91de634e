"""Conformal p-values: valid for any exchangeable scores, refused where they could flag nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from touchstone.methods.backdoor.conformal import (
    TooFewReferencesError,
    benjamini_hochberg,
    conformal_p_value,
    false_alarm_bounds,
    least_references,
    smallest_p_value,
)

scores = st.one_of(st.integers(0, 5).map(float), st.floats(-1e6, 1e6))


@given(st.lists(scores, min_size=20, max_size=60), st.sampled_from([0.05, 0.1, 0.2, 0.5]))
def test_whichever_of_the_models_is_the_suspect_few_orders_flag_it(everyone: list[float], alpha: float) -> None:
    p_values = [
        conformal_p_value(everyone[place], everyone[:place] + everyone[place + 1 :], alpha)
        for place in range(len(everyone))
    ]
    assert np.mean(np.asarray(p_values) <= alpha) <= alpha


@given(st.lists(scores, min_size=19, max_size=60), scores, scores)
def test_a_higher_score_never_has_a_higher_p_value(references: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert conformal_p_value(high, references) <= conformal_p_value(low, references)


def test_the_p_value_counts_the_suspect_and_ties() -> None:
    references = list(range(19))
    assert conformal_p_value(100, references) == 1 / 20 == smallest_p_value(19)
    assert conformal_p_value(18, references) == 2 / 20
    assert conformal_p_value(-1, references) == 1.0


@pytest.mark.parametrize(("alpha", "least"), [(0.05, 19), (0.1, 9), (0.01, 99), (0.2, 4), (0.03, 33)])
def test_fewer_references_than_could_flag_are_refused(alpha: float, least: int) -> None:
    assert least_references(alpha) == least
    assert smallest_p_value(least) <= alpha < smallest_p_value(least - 1)
    assert conformal_p_value(1.0, [0.0] * least, alpha) <= alpha
    with pytest.raises(TooFewReferencesError, match=f"{least} are needed"):
        conformal_p_value(1.0, [0.0] * (least - 1), alpha)


@pytest.mark.parametrize("wrong", [[float("nan")] * 30, [[0.0] * 30]])
def test_what_is_no_list_of_numbers_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="numbers expected"):
        conformal_p_value(0.0, wrong)
    with pytest.raises(ValueError, match="numbers expected"):
        conformal_p_value(float("nan"), [0.0] * 30)


@given(st.integers(19, 400), st.sampled_from([0.05, 0.1, 0.2]))
def test_the_false_alarms_of_one_set_of_references_follow_a_beta_distribution(n: int, alpha: float) -> None:
    flagged = int(round(alpha * (n + 1), 9))
    low, high = false_alarm_bounds(n, alpha)
    assert low == pytest.approx(beta.ppf(0.05, flagged, n + 1 - flagged), abs=1e-9)
    assert high == pytest.approx(beta.ppf(0.95, flagged, n + 1 - flagged), abs=1e-9)


def test_the_band_holds_the_false_alarms_of_drawn_references() -> None:
    generator = np.random.default_rng(3)
    low, high = false_alarm_bounds(39)
    rates = []
    for _ in range(1500):
        threshold = np.sort(generator.random(39))[-2]  # two of forty ranks are flagged at 0.05
        rates.append(1 - threshold)
    assert np.mean(np.asarray(rates) < low) == pytest.approx(0.05, abs=0.02)
    assert np.mean(np.asarray(rates) > high) == pytest.approx(0.05, abs=0.02)
    assert false_alarm_bounds(10) == (0.0, 0.0)


BENJAMINI_HOCHBERG_1995 = (
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
    *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
)


def test_the_example_of_the_paper_rejects_four() -> None:
    order = np.random.default_rng(0).permutation(15)
    flagged = benjamini_hochberg(np.asarray(BENJAMINI_HOCHBERG_1995)[order])
    assert sorted(order[flagged]) == [0, 1, 2, 3]


def test_a_fleet_of_nobody_or_of_honest_models_is_not_flagged() -> None:
    assert benjamini_hochberg([]).shape == (0,)
    assert not benjamini_hochberg([0.2, 0.9, 0.06]).any()
