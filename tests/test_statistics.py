"""Published values, properties, and coverage counted exactly or by simulation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, multinomial

from touchstone.statistics import (
    auc,
    auc_bounds,
    difference_bounds,
    mean_bounds,
    proportion_bounds,
    relative_drop_bounds,
)

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
pairs = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
        st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
    )
)
Draw = Callable[[np.random.Generator, int], np.ndarray]

unit_values = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array)
scores = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=40).map(np.array)


def test_no_event_in_three_hundred_leaves_one_percent() -> None:
    """Closed form for zero successes: 1 - 0.05 ** (1 / 300); the 'rule of three' (Hanley and Lippman-Hand 1983)."""
    assert proportion_bounds(0, 300) == (0.0, pytest.approx(0.0099361, abs=1e-7))
    assert proportion_bounds(0, 300)[1] == pytest.approx(1 - 0.05 ** (1 / 300), rel=1e-12)


def test_clopper_pearson_as_published_by_newcombe() -> None:
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 5, two-sided 95 %."""
    published = {(81, 263): (0.2527, 0.3676), (15, 148): (0.0578, 0.1617), (0, 20): (0.0, 0.1684)}
    for (successes, n), (low, high) in published.items():
        assert proportion_bounds(successes, n, confidence=0.975) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )


def test_no_sample_says_nothing() -> None:
    assert proportion_bounds(0, 0) == (0.0, 1.0)
    assert difference_bounds(0, 0, 0, 0) == (-1.0, 1.0)
    assert relative_drop_bounds(np.zeros(3, bool), np.ones(3, bool)) == (-math.inf, 1.0)
    assert mean_bounds(np.array([]), smallest=-2.0, largest=3.0) == (-2.0, 3.0)


@pytest.mark.parametrize("n", [1, 7, 30])
@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3, 0.5, 0.97])
def test_proportion_covers(n: int, rate: float) -> None:
    covered_low = covered_high = 0.0
    for successes in range(n + 1):
        low, high = proportion_bounds(successes, n)
        probability = binom.pmf(successes, n, rate)
        covered_low += probability * (low <= rate)
        covered_high += probability * (rate <= high)
    assert min(covered_low, covered_high) >= 0.95 - 1e-9


@pytest.mark.parametrize(("n_a", "n_b"), [(12, 12), (5, 25)])
@pytest.mark.parametrize(("rate_a", "rate_b"), [(0.5, 0.5), (0.9, 0.6), (0.05, 0.1), (0.2, 0.95)])
def test_difference_covers(n_a: int, n_b: int, rate_a: float, rate_b: float) -> None:
    truth = rate_a - rate_b
    covered_low = covered_high = 0.0
    for a, b in itertools.product(range(n_a + 1), range(n_b + 1)):
        low, high = difference_bounds(a, n_a, b, n_b)
        probability = binom.pmf(a, n_a, rate_a) * binom.pmf(b, n_b, rate_b)
        covered_low += probability * (low <= truth)
        covered_high += probability * (truth <= high)
    assert min(covered_low, covered_high) >= 0.95


@pytest.mark.parametrize("n", [5, 14])
@pytest.mark.parametrize("cells", [(0.6, 0.3, 0.05, 0.05), (0.3, 0.05, 0.3, 0.35), (0.9, 0.05, 0.0, 0.05)])
def test_relative_drop_covers(n: int, cells: tuple[float, float, float, float]) -> None:
    """Every table of (kept, lost, gained, neither) that sums to n, weighted by its probability."""
    truth = 1 - (cells[0] + cells[2]) / (cells[0] + cells[1])
    covered_low = covered_high = 0.0
    for kept, lost, gained in itertools.product(range(n + 1), repeat=3):
        neither = n - kept - lost - gained
        if neither < 0:
            continue
        table = [kept, lost, gained, neither]
        clean = np.repeat([True, True, False, False], table)
        corrupted = np.repeat([True, False, True, False], table)
        low, high = relative_drop_bounds(clean, corrupted)
        probability = multinomial.pmf(table, n, cells)
        covered_low += probability * (low <= truth)
        covered_high += probability * (truth <= high)
    assert min(covered_low, covered_high) >= 0.95


def covered_share(
    draw: Callable[[np.random.Generator], tuple[float, float]], truth: float, draws: int = 200
) -> tuple[float, float]:
    generator = np.random.default_rng(1)
    bounds = [draw(generator) for _ in range(draws)]
    return (
        float(np.mean([low <= truth for low, _ in bounds])),
        float(np.mean([truth <= high for _, high in bounds])),
    )


@pytest.mark.parametrize("alpha_beta", [(1.0, 1.0), (0.05, 0.5), (30.0, 2.0)])
def test_mean_covers(alpha_beta: tuple[float, float]) -> None:
    alpha, beta = alpha_beta
    shares = covered_share(lambda generator: mean_bounds(generator.beta(alpha, beta, size=60)), alpha / (alpha + beta))
    assert min(shares) >= 0.95


def test_mean_is_sharper_than_hoeffding_when_values_agree() -> None:
    values = np.random.default_rng(2).beta(30, 2, size=400)
    low, high = mean_bounds(values)
    hoeffding = math.sqrt(math.log(1 / 0.05) / (2 * 400))
    assert high - low < hoeffding


def levels(*weights: int) -> Draw:
    """Scores with ties: whole numbers, each as often as its weight says."""
    return lambda generator, n: generator.choice(len(weights), size=n, p=np.array(weights) / sum(weights)).astype(float)


def bell(mean: float) -> Draw:
    return lambda generator, n: generator.normal(mean, 1, n)


AUC_CASES = {
    "chance": (bell(0), bell(0), 0.5),
    "good": (bell(1.5), bell(0), 0.5 * (1 + math.erf(0.75))),
    "nearly separated": (bell(4), bell(0), 0.5 * (1 + math.erf(2))),
    "ties": (levels(1, 2, 7), levels(5, 4, 1), 0.83),
    "hardly any": (levels(1, 0, 9), levels(0, 1, 0), 0.9),  # the largest variance an area of 0.9 can have
    "hardly any of the other": (levels(0, 1, 0), levels(9, 0, 1), 0.9),
}


@pytest.mark.parametrize("case", AUC_CASES)
@pytest.mark.parametrize(("n_positive", "n_negative"), [(40, 40), (100, 20)])
def test_auc_covers(case: str, n_positive: int, n_negative: int) -> None:
    positive, negative, truth = AUC_CASES[case]

    def draw(generator: np.random.Generator) -> tuple[float, float]:
        return auc_bounds(positive(generator, n_positive), negative(generator, n_negative), generator)

    # Where the bound is exact, 95 of 100 should hold, and fewer than 88 do once in a thousand times.
    assert min(covered_share(draw, truth, draws=100)) >= 0.88


@pytest.mark.parametrize(("n", "shift", "width"), [(50, 0, 0.29), (111, 0, 0.2), (111, 1.8124, 0.11), (500, 0, 0.095)])
def test_auc_is_narrower_than_pairing_once(n: int, shift: float, width: float) -> None:
    """One pairing gives a binomial of `n`, and Hoeffding's bound for it widths of 0.34, 0.23, 0.14 and 0.11."""
    generator = np.random.default_rng(8)
    found = [auc_bounds(generator.normal(shift, 1, n), generator.normal(0, 1, n), generator) for _ in range(5)]
    assert np.mean([high - low for low, high in found]) < width


def test_auc_bounds_do_not_depend_on_the_order_of_samples() -> None:
    generator = np.random.default_rng(9)
    positive, negative = generator.normal(1, 1, 30), generator.normal(0, 1, 70)
    mixed = auc_bounds(positive, negative, np.random.default_rng(1))
    assert auc_bounds(np.sort(positive), np.sort(negative)[::-1], np.random.default_rng(1)) == mixed


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([2.0, 1.0]), np.array([1.0, 0.0])) == 0.875
    assert auc(np.zeros(3), np.zeros(5)) == 0.5


def test_separated_classes_do_not_prove_a_perfect_score() -> None:
    low, high = auc_bounds(np.full(10, 2.0), np.full(50, 1.0), np.random.default_rng(0))
    assert low == pytest.approx(0.05 ** (1 / 10), rel=1e-9)  # the same as ten successes in ten
    assert high == 1.0


def test_closed_forms_when_nothing_happened() -> None:
    upper = 1 - 0.025 ** (1 / 10)  # Clopper-Pearson for zero of ten at half of 5 %
    assert difference_bounds(0, 10, 0, 10) == (pytest.approx(-upper), pytest.approx(upper))
    all_correct = np.ones(10, dtype=bool)
    assert relative_drop_bounds(all_correct, all_correct) == (
        pytest.approx(-upper / (1 - upper)),
        pytest.approx(upper),
    )


def test_gained_answers_count_against_the_drop() -> None:
    """Ten of ten kept and ten gained: the share 10 of 20 has Clopper-Pearson bounds 0.2720 and 0.7280 at 2.5 % each."""
    clean = np.array([True] * 10 + [False] * 10)
    low, high = relative_drop_bounds(clean, np.ones(20, dtype=bool))
    assert high == pytest.approx(1 - 0.025 ** (1 / 10) - 0.2720 / 0.7280, abs=2e-4)
    assert low == pytest.approx(-0.7280 / 0.2720, abs=2e-3)


def test_mean_bound_is_where_the_gamblers_have_won_enough() -> None:
    """One value: Markov's inequality. Two ones: stakes 1 and 1/2 together hold twenty times what they began with."""
    assert mean_bounds(np.array([1.0])) == (pytest.approx(0.05), 1.0)
    low, _ = mean_bounds(np.array([1.0, 1.0]))
    assert ((1 / low) ** 2 + (0.5 + 0.5 / low) ** 2) / 2 == pytest.approx(20)


@given(counts)
@settings(deadline=None)
def test_proportion_encloses_and_widens(count: tuple[int, int]) -> None:
    successes, n = count
    low, high = proportion_bounds(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    surer = proportion_bounds(successes, n, confidence=0.99)
    assert surer[0] <= low and high <= surer[1]
    more_looks = proportion_bounds(successes, n, looks=7)
    assert more_looks[0] <= low and high <= more_looks[1]
    assert more_looks == pytest.approx(proportion_bounds(successes, n, confidence=1 - 0.05 / 7))


@given(counts, counts)
@settings(deadline=None)
def test_difference_encloses_and_widens(a: tuple[int, int], b: tuple[int, int]) -> None:
    low, high = difference_bounds(*a, *b)
    assert -1 <= low <= a[0] / a[1] - b[0] / b[1] <= high <= 1
    wider = difference_bounds(*a, *b, looks=3)
    assert wider[0] <= low and high <= wider[1]
    mirrored = difference_bounds(*b, *a)
    assert mirrored == (pytest.approx(-high), pytest.approx(-low))


@given(pairs)
@settings(deadline=None)
def test_relative_drop_encloses_and_widens(pair: tuple[np.ndarray, np.ndarray]) -> None:
    clean, corrupted = pair
    low, high = relative_drop_bounds(clean, corrupted)
    if clean.any():
        assert low <= 1 - corrupted.sum() / clean.sum() + 1e-12
        assert 1 - corrupted.sum() / clean.sum() <= high + 1e-12
    wider = relative_drop_bounds(clean, corrupted, confidence=0.99)
    assert wider[0] <= low and high <= wider[1] <= 1


@given(unit_values)
@settings(max_examples=60, deadline=None)
def test_mean_encloses_widens_and_ignores_order(values: np.ndarray) -> None:
    low, high = mean_bounds(values)
    assert 0 <= low <= values.mean() + 1e-12
    assert values.mean() - 1e-12 <= high <= 1
    assert mean_bounds(values[::-1]) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    wider = mean_bounds(values, looks=5)
    assert wider[0] <= low and high <= wider[1]
    scaled = mean_bounds(values * 4 - 1, smallest=-1.0, largest=3.0)
    assert scaled == (pytest.approx(low * 4 - 1, abs=1e-6), pytest.approx(high * 4 - 1, abs=1e-6))


@given(scores, scores)
@settings(max_examples=60, deadline=None)
def test_auc_encloses_and_mirrors(positive: np.ndarray, negative: np.ndarray) -> None:
    low, high = auc_bounds(positive, negative, np.random.default_rng(6))
    assert 0 <= low <= auc(positive, negative) <= high <= 1
    wider = auc_bounds(positive, negative, np.random.default_rng(6), looks=4)
    assert wider[0] <= low and high <= wider[1]
    # Mirrored, other lots are drawn, which moves the bounds a little.
    mirrored = auc_bounds(negative, positive, np.random.default_rng(6))
    assert mirrored == (pytest.approx(1 - high, abs=0.05), pytest.approx(1 - low, abs=0.05))


def test_mean_refuses_values_outside_their_range() -> None:
    with pytest.raises(ValueError, match="between 0"):
        mean_bounds(np.array([0.5, 1.5]))
    with pytest.raises(ValueError, match="between 0"):
        mean_bounds(np.array([0.5, np.nan]))


def test_relative_drop_refuses_unpaired_arrays() -> None:
    with pytest.raises(ValueError, match="paired"):
        relative_drop_bounds(np.ones(3, bool), np.ones(4, bool))
