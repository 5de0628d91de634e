"""How far a classifier's stated confidence is from the share of answers that are right.

Every sample gives one pair: the probability the model gave its own answer, and whether that answer was right. Samples
of like confidence are put in bins; the expected calibration error (ECE) is the mean over samples of the distance
between confidence and accuracy in their bin (Naeini, Cooper and Hauskrecht 2015, AAAI; Guo et al. 2017, ICML).

The plain estimate is biased upwards: with few samples per bin even a perfect model shows an error. The bounds below
account for that and hold for any sample size. They rest on one observation: the true error equals the mean of
`sign * (right - confidence)` for *some* sign per bin, fixed by the truth and not by the sample.

- Upper bound: with those signs the sample mean is at most the plain estimate, and it is a mean of independent terms in
  [-1, 1]. So the truth exceeds the plain estimate by no more than such a mean strays, whatever the signs are.
- Lower bound: the plain estimate is that mean with signs chosen after the fact, so all 2^bins choices have to hold at
  once, and the error is divided by their number. Half of it is kept for the two choices with equal signs: that the
  model is over- or underconfident throughout is what a small sample can show.

How far such a mean strays depends on its second moment, which is the same for all signs and observed: the mean squared
distance of confidence and answer. The inequality is the one behind empirical Bernstein bounds (Fan, Grama and Liu 2015,
Electronic Journal of Probability 20), `E exp(s * z - psi(s) * z^2) <= exp(s * E z)` for `z >= -1`, 0 <= s < 1 and
`psi(s) = -log(1 - s) - s`. It holds given the confidences, so `s` is tuned to the second moment that they announce.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from touchstone.statistics import CONFIDENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_PROBABILITY = 2.0**-52
"""Probabilities are raised to this before their logarithm is taken, so that one lost bet does not cost infinity."""

LEAST_SECOND_MOMENT = 0.05
"""A model that announces less than this is tuned for as if it announced this much: it may be wrong to be so sure."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bar of a reliability diagram: `samples` pairs, their mean confidence, and how many were right."""

    samples: int
    confidence: float
    correct: int


def top_label(
    probabilities: NDArray[np.float64], target: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence in the answer given, and whether it was right, both `(n,)`.

    `probabilities` are `(n, K)`, `target` class indices `(n,)`; the first of equally probable classes is the answer.
    """
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == target


def equal_mass_bins(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Bin of each sample `(n,)`, with about as many samples in every bin; equal confidences share a bin.

    Equal mass has the smallest bias of the usual schemes (Roelofs et al. 2022, AISTATS). Bins depend on confidence
    alone, never on what was right.
    """
    edges = np.quantile(confidence, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.searchsorted(edges, confidence, side="left").astype(np.int64)


def reliability(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bin_of: NDArray[np.int64]
) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram, bins in order of confidence, empty ones left out."""
    samples = np.bincount(bin_of)
    stated = np.bincount(bin_of, weights=confidence)
    right = np.bincount(bin_of, weights=correct)
    return tuple(
        ReliabilityBin(int(samples[index]), float(stated[index] / samples[index]), int(right[index]))
        for index in np.flatnonzero(samples)
    )


def expected_calibration_error(diagram: tuple[ReliabilityBin, ...]) -> float:
    """The plain estimate, from 0 (confidence equals accuracy in every bin) to 1."""
    total = sum(bar.samples for bar in diagram)
    return sum(abs(bar.correct - bar.samples * bar.confidence) for bar in diagram) / total


def expected_calibration_error_bounds(
    confidence: NDArray[np.float64],
    correct: NDArray[np.bool_],
    bin_of: NDArray[np.int64],
    *,
    level: float = CONFIDENCE,
) -> tuple[float, float]:
    """Bounds of the error that infinitely many answers at these confidences would show, each at `level` by itself."""
    diagram = reliability(confidence, correct, bin_of)
    estimate = expected_calibration_error(diagram)
    throughout = abs(float(np.mean(correct - confidence)))
    announced = max(LEAST_SECOND_MOMENT, float(np.mean(confidence * (1.0 - confidence))))
    observed = float(np.mean((correct - confidence) ** 2))

    def stray(share_of_error: float) -> float:
        """How far the mean of `n` independent terms in [-1, 1] strays to one side, but for this share of the error."""
        surprise = -math.log((1.0 - level) * share_of_error) / len(confidence)
        stake = min(0.5, math.sqrt(2.0 * surprise / announced))
        return ((-math.log1p(-stake) - stake) * observed + surprise) / stake

    low = max(throughout - stray(0.5 / 2), estimate - stray(0.5 / 2 ** len(diagram)))
    return max(0.0, low), min(1.0, estimate + stray(1.0))


@dataclass(frozen=True, slots=True)
class BrierParts:
    """What the Brier score of stated confidence consists of: `reliability - resolution + uncertainty`."""

    reliability: float
    """Mean squared distance of confidence and accuracy in a bin: what calibration could gain."""
    reliability_debiased: float
    """The same less what it shows by chance alone, not below zero (Kumar, Liang and Ma 2019, NeurIPS)."""
    resolution: float
    """How far accuracy in the bins is from accuracy on the whole: what confidence tells."""
    uncertainty: float
    """Of an answer being right, when nothing is known of it."""


def brier_parts(diagram: tuple[ReliabilityBin, ...]) -> BrierParts:
    """Decompose the score of confidences that are rounded to the mean of their bin.

    Murphy 1973, Journal of Applied Meteorology 12.
    """
    samples = np.array([bar.samples for bar in diagram], dtype=np.float64)
    confidence = np.array([bar.confidence for bar in diagram])
    accuracy = np.array([bar.correct for bar in diagram]) / samples
    share = samples / samples.sum()
    overall = float(share @ accuracy)
    squared = (accuracy - confidence) ** 2
    chance = accuracy * (1.0 - accuracy) / np.maximum(samples - 1.0, 1.0)
    return BrierParts(
        reliability=float(share @ squared),
        reliability_debiased=max(0.0, float(share @ (squared - chance))),
        resolution=float(share @ (accuracy - overall) ** 2),
        uncertainty=overall * (1.0 - overall),
    )


def consistency_band(bar: ReliabilityBin, level: float = CONFIDENCE) -> tuple[float, float]:
    """Where the accuracy of a bin falls, to either side with probability `level` at least, if confidence is deserved.

    Bröcker and Smith 2007, Weather and Forecasting 22, for answers that are all as sure as the bin is on average.
    """
    from scipy.stats import binom

    stated = min(1.0, bar.confidence)  # a mean of numbers near one may be rounded above it
    low, high = binom.ppf([1.0 - level, level], bar.samples, stated) / bar.samples
    return max(0.0, float(low)), float(high)


def brier_scores(probabilities: NDArray[np.float64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Squared distance of probabilities `(n, K)` and truth, per sample, from 0 to 2.

    Brier 1950, Monthly Weather Review 78.
    """
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(target)), target] = 1.0
    return np.asarray(((probabilities - truth) ** 2).sum(axis=1))


def negative_log_likelihoods(probabilities: NDArray[np.float64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Surprise at the truth per sample in nats, from 0 to `-log(SMALLEST_PROBABILITY)`, about 36."""
    given = probabilities[np.arange(len(target)), target]
    return np.asarray(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1.0)))
