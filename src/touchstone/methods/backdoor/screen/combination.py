"""One number out of several statistics, for a suspect and its references alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLIP = 5.0
"""Most that one statistic counts, so that none outvotes all others."""
NORMAL = 1.4826
"""From a median absolute deviation to the standard deviation of a normal distribution."""


def combine(suspect: NDArray[np.float64], references: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Mean of clipped z-values of the statistics `(S,)` of a suspect, and of those `(n, S)` of its references.

    The centre and spread are taken of the suspect and the references together. That makes the suspect one of n + 1
    models that are treated alike, so that a conformal p-value of the result holds exactly; taken of the references
    alone it would hold only nearly.
    """
    together = np.concatenate([suspect[None], references])
    centre = np.median(together, axis=0)
    spread = NORMAL * np.median(np.abs(together - centre), axis=0)
    spread = np.where(spread > 0, spread, np.maximum(together.std(axis=0), 1e-12))
    z = np.clip((together - centre) / spread, -CLIP, CLIP).mean(axis=1)
    return float(z[0]), z[1:]


def anomaly_index(values: NDArray[np.float64]) -> float:
    """How far the largest of one model's classes lies from their median, in robust standard deviations.

    The verdict of Wang et al. 2019 at "above 2". Within one model of a few classes it is no test: kept to compare with
    what other tools print.
    """
    centre = np.median(values)
    spread = NORMAL * float(np.median(np.abs(values - centre)))
    return float((values.max() - centre) / max(spread, 1e-12))
