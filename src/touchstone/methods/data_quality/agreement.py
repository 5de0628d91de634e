"""Do several people give the same label? Krippendorff's alpha for nominal data, with bounds that assume nothing.

Krippendorff 2018, Content Analysis, 4th edition, chapter 12: `1 - observed / expected disagreement`, units with fewer
than two labels left out, missing labels allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import mean_bounds


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha with one-sided bounds over the `units` that two or more people labelled."""

    alpha: float
    low: float
    high: float
    units: int


def krippendorff_alpha(
    labels: NDArray[np.int64], generator: np.random.Generator, *, confidence: float = 0.95
) -> Agreement | None:
    """Agreement on labels `(n, people)`, -1 where a person gave none. `None` where nothing can be compared.

    Units are taken as drawn independently. The observed disagreement is a mean over units, weighted by their labels;
    the expected one a mean over pairs of different units, drawn by lot for the bounds.
    """
    given = labels[(labels >= 0).sum(axis=1) >= 2]
    if len(given) < 2:
        return None
    counts = np.stack([(given == label).sum(axis=1) for label in np.unique(given[given >= 0])], axis=1).astype(float)
    people = counts.sum(axis=1)
    apart = 1.0 - (counts * (counts - 1)).sum(axis=1) / (people * (people - 1))
    total = counts.sum(axis=0)
    n = total.sum()
    expected = 1.0 - float((total * (total - 1)).sum() / (n * (n - 1)))
    if expected == 0.0:
        return None
    alpha = 1.0 - float((people * apart).sum() / n) / expected
    each = 1.0 - (1.0 - confidence) / 3
    weight = people / people.max()
    seen_low, seen_high = mean_bounds(weight * apart, confidence=each)
    # Where everybody labelled every unit the weights are known, not estimated.
    weight_low, weight_high = (1.0, 1.0) if weight.min() == 1.0 else mean_bounds(weight, confidence=each)
    expected_low, expected_high = mean_bounds(_between_units(counts, generator), confidence=each)
    return Agreement(
        alpha,
        low=max(-1.0, 1.0 - _ratio(seen_high, weight_low * expected_low)),
        high=min(1.0, 1.0 - seen_low / (weight_high * expected_high)),
        units=len(given),
    )


def _between_units(counts: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Disagreement between units of pairs by lot, each unit in one pair."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    order = generator.permutation(len(shares))
    half = len(order) // 2
    return np.asarray(1.0 - (shares[order[:half]] * shares[order[half : 2 * half]]).sum(axis=1)).clip(0.0, 1.0)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 2.0
