"""How far features lie from clean ones: the distance to the k-th nearest.

Sun, Ming, Zhu and Li 2022, "Out-of-distribution detection with deep nearest neighbors" (ICML), on features as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.detectors.threshold import FALSE_ALARMS, conformal_threshold

_AT_ONCE: Final = 2**22
"""Distances that are held at one time."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Clean features to measure from."""

    clean: NDArray[np.float64]
    """`(m, d)`."""
    nearest: int
    threshold: float


def fit(
    clean: NDArray[np.float64],
    held_out: NDArray[np.float64],
    *,
    nearest: int = 5,
    false_alarms: float = FALSE_ALARMS,
) -> Neighbours:
    """From clean features `(m, d)`; the threshold from `held_out` clean features."""
    if not 1 <= nearest <= len(clean):
        raise ValueError(f"{nearest} neighbours among {len(clean)}")
    return Neighbours(clean, nearest, conformal_threshold(_distances(clean, nearest, held_out), false_alarms))


def score(record: Neighbours, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of features `(n, d)` to the k-th nearest clean ones, `(n,)`."""
    return _distances(record.clean, record.nearest, x)


def _distances(clean: NDArray[np.float64], nearest: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.empty(len(x))
    rows = max(1, _AT_ONCE // len(clean))
    lengths = (clean**2).sum(axis=1)
    for first in range(0, len(x), rows):
        some = x[first : first + rows]
        squared = (some**2).sum(axis=1)[:, None] + lengths - 2 * some @ clean.T
        found[first : first + rows] = np.partition(squared, nearest - 1, axis=1)[:, nearest - 1]
    return np.sqrt(np.maximum(found, 0.0))
