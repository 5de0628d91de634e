"""Bounds over clusters cover, and are Clopper and Pearson's where every cluster is one answer."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.clustered import clustered_share
from touchstone.statistics import proportion_bounds


def test_single_answers_are_independent_trials() -> None:
    found = clustered_share([True] * 45 + [False] * 5, range(50))
    assert (found.low, found.high) == proportion_bounds(45, 50)
    assert (found.value, found.clusters) == (0.9, 50)


def test_nobody_asked_says_nothing() -> None:
    assert clustered_share([], [])[:4] == (0, 0, 1, 0)


def test_one_answer_for_each_success() -> None:
    with pytest.raises(ValueError, match="1 successes in 2 clusters"):
        clustered_share([True], "ab")


def test_the_same_answer_many_times_is_one_answer() -> None:
    """Ten people who all follow the case: 60 answers to 6 cases bound no more than 6 numbers can."""
    found = clustered_share([True] * 60, [number // 10 for number in range(60)])
    assert found.clusters == 6
    assert found.low < proportion_bounds(6, 6)[0] + 1e-9 < proportion_bounds(60, 60)[0]
    assert found.value == pytest.approx(1)


def test_every_cluster_has_the_same_weight() -> None:
    assert clustered_share([True] * 9 + [False], "aaaaaaaaab").value == pytest.approx(0.5)


def test_bounds_cover_where_cases_differ_in_difficulty() -> None:
    """40 cases of uniform difficulty, each before 3 people: Clopper-Pearson over 120 answers would claim too much."""
    generator = np.random.default_rng(5)
    wrong = naive = 0
    for _ in range(400):
        chance = generator.beta(0.3, 0.1, size=40)
        answers = generator.random((40, 3)) < chance[:, None]
        found = clustered_share(answers.ravel().tolist(), np.repeat(np.arange(40), 3).tolist())
        wrong += found.low > 0.75
        naive += proportion_bounds(int(answers.sum()), 120)[0] > 0.75
    assert wrong <= 20
    assert naive > 20
