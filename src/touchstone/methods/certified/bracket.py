"""True robustness from both sides: what is proven on one, what withstood attack on the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, proportion_bounds


class ContradictionError(ValueError):
    """An attack broke what was certified: one of the two is wrong."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        super().__init__(f"certified and broken at once: rows {rows[:10].tolist()}")
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Bracket:
    """Shares of the same samples: certified <= truly robust <= not broken, and bounds for the population."""

    certified: int
    standing: int
    n: int
    low: float
    """Lower Clopper-Pearson bound of the certified share: the truly robust share is not below it."""
    high: float
    """Upper Clopper-Pearson bound of the standing share: the truly robust share is not above it."""


def bracket(
    certified: NDArray[np.bool_], standing: NDArray[np.bool_], *, confidence: float = CONFIDENCE, looks: int = 1
) -> Bracket:
    """The bracket of samples `(n,)` drawn at random: `certified` ones, and those right and `standing` after attack.

    Each bound holds with `confidence` by itself, over all `looks`. Both arrays are about the same model, ball and
    samples: a certificate of the smoothed model says nothing about the model inside it.
    Raises `ContradictionError` when a certified sample was broken.
    """
    if certified.shape != standing.shape or certified.ndim != 1:
        raise ValueError(f"two arrays of one axis expected: {certified.shape}, {standing.shape}")
    contradicted = np.flatnonzero(certified & ~standing)
    if len(contradicted):
        raise ContradictionError(contradicted)
    n = len(certified)
    low, _ = proportion_bounds(int(certified.sum()), n, confidence=confidence, looks=looks)
    _, high = proportion_bounds(int(standing.sum()), n, confidence=confidence, looks=looks)
    return Bracket(int(certified.sum()), int(standing.sum()), n, low, high)
