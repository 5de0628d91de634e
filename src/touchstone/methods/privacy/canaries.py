"""Planted canaries: what a model learnt by heart of rows that were put into its training to find out.

A canary of a classifier is a row with a label that it would not get otherwise. If the model gives it that label because
it was trained on it, the label can be read off the model by anybody who knows the row: it was memorised (Feldman and
Zhang 2020, NeurIPS: how much likelier a label is with the row in the training data than without). Canaries that were
drawn alike and left out say how often the label is given anyway; of those nothing could be learnt, so they are taken
out of the rate. A clearly wrong label (Aerni et al. 2024, CCS) is hardly ever given by chance, and so makes small rates
measurable; a label that everybody would give makes none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, mean_bounds, proportion_bounds


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with one-sided bounds."""

    value: float
    low: float
    high: float
    n: int


def extraction_rate(
    given_in: NDArray[np.bool_], given_out: NDArray[np.bool_], *, confidence: float = CONFIDENCE
) -> Estimate:
    """Share of canaries whose label can be read off because they were trained on, of those that tell anything.

    `given_in` `(n,)` says which of the canaries in the training data get their label, `given_out` `(m,)` which of those
    left out. A share `q` gets it anyway, so `(p - q) / (1 - q)` of the others are extracted (Abbott 1925, J. Econ.
    Entomol. 18). It grows with `p` and falls with `q`: each takes half the error. No rate is below nothing, although an
    estimate of it could be.
    """
    hits, chance = int(given_in.sum()), int(given_out.sum())
    n, m = len(given_in), len(given_out)
    low_in, high_in = proportion_bounds(hits, n, confidence=confidence, looks=2)
    low_out, high_out = proportion_bounds(chance, m, confidence=confidence, looks=2)
    value = _beyond(hits / n, chance / m) if chance < m else 0.0
    low = _beyond(low_in, high_out) if high_out < 1.0 else 0.0
    return Estimate(value, min(low, value), max(_beyond(high_in, low_out), value), n)


def _beyond(share: float, anyway: float) -> float:
    """What is left of a share when those are taken out who would be in it anyway."""
    return max((share - anyway) / (1.0 - anyway), 0.0)


def exposure(
    scores_in: NDArray[np.float64], scores_out: NDArray[np.float64], generator: np.random.Generator
) -> Estimate:
    """Mean exposure in bits of canaries in the training data, against those left out.

    Carlini et al. 2019, "The Secret Sharer" (USENIX Security): the logarithm of how many alternatives there are, less
    that of a canary's rank among them by how likely the model holds it. Equal scores are ranked by lot. Without memory
    it is 1.44 on average (1 / ln 2); the most that can be seen is the logarithm of the number of alternatives and one.
    """
    most = float(np.log2(len(scores_out) + 1))
    ordered = np.sort(scores_out)
    surer = len(ordered) - np.searchsorted(ordered, scores_in, side="right")
    equal = len(ordered) - surer - np.searchsorted(ordered, scores_in, side="left")
    ranks = 1 + surer + generator.integers(0, equal + 1)
    bits = np.clip(most - np.log2(ranks), 0.0, most)
    low, high = mean_bounds(bits, largest=most)
    return Estimate(float(bits.mean()), low, high, len(bits))
