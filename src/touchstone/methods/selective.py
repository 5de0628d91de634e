"""What a model would be worth if it answered only where it is sure: risk against coverage.

Samples are taken in order of stated confidence; after each, coverage is the share taken so far and risk the share of
wrong answers among them (El-Yaniv and Wiener 2010, JMLR 11). The area under this curve is the mean risk over all
coverages: small where the model is right, and where it knows when it is not.

The area is a weighted mean of errors whose weights follow from the confidences alone. Given these, errors of different
samples are independent, and the gambler of :func:`touchstone.statistics.mean_bounds`, whose stakes are fixed, bounds
the mean of independent terms whether or not they are distributed alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, mean_bounds


def selective_risk(confidence: NDArray[np.float64], correct: NDArray[np.bool_], coverage: float) -> tuple[int, int]:
    """Wrong answers among the surest `coverage` of the samples `(n,)`, and how many these are.

    Samples as sure as the last of them are taken too: no threshold on confidence could tell them apart.
    """
    wanted = max(1, int(np.ceil(coverage * len(confidence) - 1e-9)))
    threshold = np.partition(confidence, len(confidence) - wanted)[len(confidence) - wanted]
    taken = confidence >= threshold
    return int((taken & ~correct).sum()), int(taken.sum())


def area_under_risk_coverage(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Mean risk over all coverages, from 0 to 1; of equally sure samples any may come first."""
    return float(_terms(confidence, correct)[0].mean())


def area_under_risk_coverage_bounds(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], *, level: float = CONFIDENCE
) -> tuple[float, float]:
    """Bounds of the area that infinitely many answers at these confidences would show, each at `level` by itself."""
    terms, largest = _terms(confidence, correct)
    low, high = mean_bounds(terms, largest=largest, confidence=level)
    return low, min(1.0, high)


def _terms(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """One term per sample whose mean is the area, and the largest that a term could be."""
    n = len(confidence)
    weight = np.cumsum(1.0 / np.arange(n, 0, -1))[::-1]  # of the first, second, … in order of confidence
    _, level = np.unique(-confidence, return_inverse=True)
    order = np.sort(level.reshape(-1))
    shared = np.bincount(order, weights=weight) / np.bincount(order)
    terms = np.where(correct, 0.0, shared[level.reshape(-1)])
    return terms, float(shared.max())
