"""Many tests at once: which of them may be believed when not even one may be wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def holm(p_values: NDArray[np.float64], error: float) -> NDArray[np.bool_]:
    """Which of the hypotheses `(m,)` are rejected, with one wrong among them at most with probability `error`.

    Holm 1979, Scandinavian Journal of Statistics 6: whatever the tests have to do with one another.
    """
    order = np.argsort(p_values, kind="stable")
    passed = p_values[order] <= error / np.arange(len(p_values), 0, -1)
    believed = np.zeros(len(p_values), dtype=bool)
    believed[order] = np.logical_and.accumulate(passed) if len(passed) else passed
    return believed
