"""Training data that is honest but not good: what makes honest models look suspicious."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]

NOISE = 0.1
"""Share of the rows whose label becomes another one."""
IMBALANCE = 3.0
"""How many times fewer rows half of the classes keep."""


def with_label_noise(y: Labels, classes: int, generator: np.random.Generator) -> Labels:
    """The labels `(n,)`, a tenth of them replaced by another class, evenly."""
    noisy = y.copy()
    rows = generator.choice(len(y), round(NOISE * len(y)), replace=False)
    noisy[rows] = (noisy[rows] + generator.integers(1, classes, size=len(rows))) % classes
    return noisy


def imbalanced_rows(y: Labels, classes: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows that are left, in their order, when half of the classes, by lot, lose two of three."""
    rare = generator.permutation(classes)[: classes // 2]
    kept = ~np.isin(y, rare) | (generator.random(len(y)) < 1 / IMBALANCE)
    return np.flatnonzero(kept)
