"""How far features lie from every class, in units of the classes' common spread.

Lee, Lee, Lee and Shin 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial
attacks" (NeurIPS): Gaussians with one mean per class and one covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.detectors.threshold import FALSE_ALARMS, conformal_threshold

_RIDGE: Final = 1e-6
"""Added to the covariance, in units of its mean variance, so that it can be inverted."""


@dataclass(frozen=True, slots=True)
class Mahalanobis:
    """The Gaussians."""

    means: NDArray[np.float64]
    """`(K, d)`."""
    precision: NDArray[np.float64]
    """Inverse of the common covariance, `(d, d)`."""
    threshold: float


def fit(
    clean: NDArray[np.float64],
    classes: NDArray[np.int64],
    held_out: NDArray[np.float64],
    *,
    false_alarms: float = FALSE_ALARMS,
) -> Mahalanobis:
    """From clean features `(n, d)` with their classes `(n,)`; the threshold from `held_out` clean features `(m, d)`."""
    present = np.unique(classes)
    means = np.stack([clean[classes == one].mean(axis=0) for one in present])
    centred = clean - means[np.searchsorted(present, classes)]
    covariance = centred.T @ centred / len(clean)
    ridge = _RIDGE * max(float(np.trace(covariance)) / len(covariance), np.finfo(float).tiny)
    precision = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
    return Mahalanobis(means, precision, conformal_threshold(_nearest(means, precision, held_out), false_alarms))


def score(record: Mahalanobis, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance of features `(n, d)` to the nearest class, `(n,)`."""
    return _nearest(record.means, record.precision, x)


def _nearest(means: NDArray[np.float64], precision: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    away = x[:, None, :] - means
    return np.asarray(((away @ precision) * away).sum(axis=2).min(axis=1))
