"""How a server makes one update of many: the mean, and rules that a minority of wild updates cannot move at will.

Updates are `(m, w)`, one party in each row.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
"""`(w,)`: what would be added to the weights of a model."""
Updates = NDArray[np.float64]
"""`(parties, w)`."""
Rule = Literal["mean", "median", "trimmed-mean", "geometric-median"]

STEPS = 50
"""Of Weiszfeld's algorithm; it stops before where nothing moves any more."""
NEARLY = 1e-6
"""Distance, relative to the usual one, below which an update counts as reached."""


def aggregate(updates: Updates, rule: Rule, trimmed: float = 0.2) -> Vector:
    """One update of many.

    Median and trimmed mean are taken coordinate by coordinate (Yin et al. 2018, ICML); the trimmed mean leaves out the
    share `trimmed` at either end, rounded up, and always keeps a value. The geometric median has the smallest sum of
    distances (Pillutla et al. 2022, IEEE Trans. Signal Processing 70).
    """
    if rule == "mean":
        return np.asarray(updates.mean(axis=0))
    if rule == "median":
        return np.asarray(np.median(updates, axis=0))
    if rule == "trimmed-mean":
        m = len(updates)
        cut = min(int(np.ceil(trimmed * m)), (m - 1) // 2)
        return np.asarray(np.sort(updates, axis=0)[cut : m - cut].mean(axis=0))
    return _geometric_median(updates)


def clipped(updates: Updates, norm: float | None) -> Updates:
    """The same updates, those longer than `norm` brought to that length; `None` clips nothing."""
    if norm is None:
        return updates
    lengths = np.linalg.norm(updates, axis=-1, keepdims=True)
    return np.asarray(updates * np.minimum(1.0, norm / np.maximum(lengths, np.finfo(np.float64).tiny)))


def _geometric_median(updates: Updates) -> Vector:
    middle = np.asarray(np.median(updates, axis=0))
    for _ in range(STEPS):
        away = np.linalg.norm(updates - middle, axis=1)
        usual = float(np.median(away))
        if usual == 0.0:
            break
        weights = 1.0 / np.maximum(away, NEARLY * usual)
        moved = np.asarray(weights @ updates / weights.sum())
        if np.linalg.norm(moved - middle) <= NEARLY * usual:
            return moved
        middle = moved
    return middle
