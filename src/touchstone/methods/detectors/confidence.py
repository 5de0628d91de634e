"""How unsure the model is: how little the best class leads over the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.detectors.threshold import FALSE_ALARMS, conformal_threshold


@dataclass(frozen=True, slots=True)
class Confidence:
    """The lead that clean inputs have."""

    threshold: float


def fit(held_out: NDArray[np.float64], *, false_alarms: float = FALSE_ALARMS) -> Confidence:
    """From scores `(n, K)` of clean inputs, in a logarithmic scale."""
    return Confidence(conformal_threshold(_unsure(held_out), false_alarms))


def score(record: Confidence, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The second best score less the best, `(n,)`, of scores `(n, K)`."""
    return _unsure(x)


def _unsure(x: NDArray[np.float64]) -> NDArray[np.float64]:
    best = np.partition(x, -2, axis=1)[:, -2:]
    return np.asarray(best[:, 0] - best[:, 1])
