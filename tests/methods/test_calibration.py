"""Hand-computed diagrams, and coverage of the bounds by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.calibration import (
    ReliabilityBin,
    brier_parts,
    brier_scores,
    consistency_band,
    equal_mass_bins,
    expected_calibration_error,
    expected_calibration_error_bounds,
    negative_log_likelihoods,
    reliability,
    top_label,
)


def test_diagram_by_hand() -> None:
    confidence = np.array([0.5, 0.7, 0.9, 0.9, 1.0])
    correct = np.array([True, False, True, True, False])
    diagram = reliability(confidence, correct, np.array([0, 0, 2, 2, 2]))
    assert diagram == (ReliabilityBin(2, pytest.approx(0.6), 1), ReliabilityBin(3, pytest.approx(2.8 / 3), 2))
    assert expected_calibration_error(diagram) == pytest.approx((abs(1 - 1.2) + abs(2 - 2.8)) / 5)


def test_answer_and_confidence_are_those_of_the_most_probable_class() -> None:
    probabilities = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])
    confidence, correct = top_label(probabilities, np.array([1, 1]))
    assert confidence.tolist() == [0.5, 0.4]
    assert correct.tolist() == [True, False]


def test_scores_by_hand() -> None:
    probabilities = np.array([[0.8, 0.2], [0.8, 0.2], [1.0, 0.0]])
    target = np.array([0, 1, 1])
    assert brier_scores(probabilities, target) == pytest.approx([0.08, 1.28, 2.0])
    assert negative_log_likelihoods(probabilities, target) == pytest.approx(
        [-math.log(0.8), -math.log(0.2), 52 * math.log(2)]
    )


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(1, 15))
@settings(deadline=None)
def test_bins_keep_order_and_ties_and_never_exceed_their_number(levels: list[int], bins: int) -> None:
    confidence = np.array(levels) / 30
    bin_of = equal_mass_bins(confidence, bins)
    assert bin_of.min() >= 0
    assert bin_of.max() < bins
    order = np.argsort(confidence, kind="stable")
    assert (np.diff(bin_of[order]) >= 0).all()
    for level in np.unique(confidence):
        assert len(set(bin_of[confidence == level].tolist())) == 1


def test_bins_of_distinct_confidences_have_equal_mass() -> None:
    counts = np.bincount(equal_mass_bins(np.random.default_rng(0).random(1500), 15))
    assert counts.tolist() == [100] * 15


def _answers(
    generator: np.random.Generator, n: int, overconfidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Confidences, answers that are right less often than stated, bins, and the true error."""
    confidence = 0.5 + 0.5 * generator.beta(6, 1, size=n)
    truth = np.where(confidence > 0.8, confidence - overconfidence, confidence)
    bin_of = equal_mass_bins(confidence, 15)
    error = float(np.abs(np.bincount(bin_of, weights=truth - confidence)).sum() / n)
    return confidence, generator.random(n) < truth, bin_of, error


@pytest.mark.parametrize("overconfidence", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("n", [20, 800])
def test_bounds_cover(n: int, overconfidence: float) -> None:
    generator = np.random.default_rng(5)
    low_holds = high_holds = 0
    for _ in range(200):
        confidence, correct, bin_of, truth = _answers(generator, n, overconfidence)
        low, high = expected_calibration_error_bounds(confidence, correct, bin_of)
        low_holds += low <= truth
        high_holds += truth <= high
    assert min(low_holds, high_holds) >= 0.95 * 200


def test_plain_estimate_of_a_perfect_model_is_biased_but_the_lower_bound_is_zero() -> None:
    confidence, correct, bin_of, truth = _answers(np.random.default_rng(6), 200, 0.0)
    assert truth == pytest.approx(0)
    assert expected_calibration_error(reliability(confidence, correct, bin_of)) > 0.02
    assert expected_calibration_error_bounds(confidence, correct, bin_of)[0] == 0.0


def test_upper_bound_lets_a_perfect_model_pass_at_two_thousand_samples() -> None:
    confidence, correct, bin_of, _ = _answers(np.random.default_rng(7), 2000, 0.0)
    assert expected_calibration_error_bounds(confidence, correct, bin_of)[1] < 0.05


@pytest.mark.parametrize(("n", "overconfidence"), [(300, 0.2), (2000, 0.1)])
def test_lower_bound_finds_a_miscalibrated_model(n: int, overconfidence: float) -> None:
    confidence, correct, bin_of, truth = _answers(np.random.default_rng(8), n, overconfidence)
    low, _ = expected_calibration_error_bounds(confidence, correct, bin_of)
    assert 0 < low <= truth


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
@settings(max_examples=60, deadline=None)
def test_bounds_enclose_and_widen(pairs: list[tuple[float, bool]]) -> None:
    confidence = np.array([stated for stated, _ in pairs])
    correct = np.array([right for _, right in pairs])
    bin_of = equal_mass_bins(confidence, 15)
    estimate = expected_calibration_error(reliability(confidence, correct, bin_of))
    low, high = expected_calibration_error_bounds(confidence, correct, bin_of)
    assert 0 <= low <= estimate <= high <= 1
    surer = expected_calibration_error_bounds(confidence, correct, bin_of, level=0.99)
    assert surer[0] <= low
    assert high <= surer[1]


def test_brier_parts_add_up_and_are_as_computed_by_hand() -> None:
    """Ten answers at 0.9 of which 6 are right, ten at 0.5 of which 5 are."""
    diagram = (ReliabilityBin(10, 0.5, 5), ReliabilityBin(10, 0.9, 6))
    parts = brier_parts(diagram)
    assert parts.reliability == pytest.approx(0.045)
    assert parts.resolution == pytest.approx(0.0025)
    assert parts.uncertainty == pytest.approx(0.55 * 0.45)
    score = (10 * 0.25 + 6 * 0.01 + 4 * 0.81) / 20
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(score)
    assert parts.reliability_debiased == pytest.approx(0.045 - (0.25 / 9 + 0.24 / 9) / 2)


def test_reliability_of_a_calibrated_model_is_nothing_once_chance_is_taken_off() -> None:
    generator = np.random.default_rng(9)
    plain, debiased = [], []
    for _ in range(300):
        right = generator.binomial(40, [0.6, 0.7, 0.8, 0.9])
        stated = zip((0.6, 0.7, 0.8, 0.9), right, strict=True)
        parts = brier_parts(tuple(ReliabilityBin(40, confidence, int(count)) for confidence, count in stated))
        plain.append(parts.reliability)
        debiased.append(parts.reliability_debiased)
    assert np.mean(debiased) < 0.4 * np.mean(plain)


def test_consistency_band_holds_what_a_deserved_confidence_gives() -> None:
    low, high = consistency_band(ReliabilityBin(50, 0.8, 0))
    assert low < 0.8 < high
    draws = np.random.default_rng(10).binomial(50, 0.8, 20_000) / 50
    assert (draws >= low).mean() >= 0.95
    assert (draws <= high).mean() >= 0.95
    assert consistency_band(ReliabilityBin(5, 1.0, 5)) == (1.0, 1.0)
