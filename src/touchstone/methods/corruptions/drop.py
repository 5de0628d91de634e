"""How much accuracy corruptions cost on average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, mean_bounds, proportion_bounds


def mean_drop_bounds(clean: NDArray[np.bool_], share: NDArray[np.float64], looks: int) -> tuple[float, float]:
    """Bounds of `1 - E[share] / E[clean]`, where `share` in [0, 1] is how often a sample survives its corruptions.

    The drop is what correct answers lose, less what wrong answers gain per correct answer. Half of the error goes
    to the loss, a quarter each to the gain of a wrong answer and to how many there are per correct one.
    """
    error = (1.0 - CONFIDENCE) / looks
    lost_low, lost_high = mean_bounds(1.0 - share[clean], confidence=1.0 - error / 2)
    gained_low, gained_high = mean_bounds(share[~clean], confidence=1.0 - error / 4)
    right_low, right_high = proportion_bounds(int(clean.sum()), len(clean), confidence=1.0 - error / 4)
    return lost_low - gained_high * (1 / right_low - 1), lost_high - gained_low * (1 / right_high - 1)
