"""Training data that is honest but not good: what makes honest models look suspicious."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Inputs = NDArray[np.float32]
Labels = NDArray[np.int64]
Flaw = Literal["none", "label-noise", "imbalance"]

NOISE = 0.1
"""Share of the rows whose label becomes another one."""
IMBALANCE = 3.0
"""How many times fewer rows half of the classes keep."""


def spoilt(flaw: Flaw, x: Inputs, y: Labels, classes: int, generator: np.random.Generator) -> tuple[Inputs, Labels]:
    """The rows `x` `(n, *shape)`, `y` `(n,)` with the flaw.

    Label noise turns a tenth of the labels into another class, evenly; imbalance takes two of three rows from half of
    the classes, by lot.
    """
    if flaw == "label-noise":
        y = y.copy()
        rows = generator.choice(len(y), round(NOISE * len(y)), replace=False)
        y[rows] = (y[rows] + generator.integers(1, classes, size=len(rows))) % classes
    elif flaw == "imbalance":
        rare = generator.permutation(classes)[: classes // 2]
        kept = ~np.isin(y, rare) | (generator.random(len(y)) < 1 / IMBALANCE)
        x, y = x[kept], y[kept]
    return x, y
