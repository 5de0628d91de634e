"""Where to raise an alarm: a threshold whose rate of false alarms holds exactly, whatever the scores are like."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

FALSE_ALARMS: Final = 0.05


def conformal_threshold(clean_scores: NDArray[np.float64], false_alarms: float = FALSE_ALARMS) -> float:
    """The threshold that a new clean score exceeds with a chance of at most `false_alarms`.

    Exact when the new score and `clean_scores` `(n,)` are exchangeable, as those of data the detector was not fitted to
    are (Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world", section 2). It is the chance over
    both draws; the rate behind one threshold scatters around it. Raises `ValueError` for fewer than
    `1 / false_alarms - 1` scores, with which no threshold does.
    """
    n = len(clean_scores)
    place = math.ceil((n + 1) * (1.0 - false_alarms) - 1e-9)
    if not 0 < false_alarms < 1 or place > n:
        raise ValueError(f"{n} clean scores are too few for a false alarm rate of {false_alarms}")
    return float(np.sort(clean_scores)[place - 1])
