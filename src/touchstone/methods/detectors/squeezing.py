"""Feature squeezing: how much the answer changes when detail that should not matter is taken out of a picture.

Xu, Evans and Qi 2018, "Feature squeezing: detecting adversarial examples in deep neural networks" (NDSS): fewer levels
of brightness, and the median of each small window; the larger change of the two, in L1 of the probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.detectors.threshold import FALSE_ALARMS, conformal_threshold

Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""Class probabilities `(n, K)` of pictures `(n, channels, height, width)`."""


@dataclass(frozen=True, slots=True)
class Squeezing:
    """What is taken out."""

    low: float
    high: float
    bits: int
    window: int
    """Side of the median's window."""
    threshold: float


def fit(
    probabilities: Probabilities,
    held_out: NDArray[np.float32],
    *,
    low: float,
    high: float,
    bits: int = 4,
    window: int = 2,
    false_alarms: float = FALSE_ALARMS,
) -> Squeezing:
    """From clean pictures `(n, channels, height, width)` with values from `low` to `high`."""
    unset = Squeezing(low, high, bits, window, np.inf)
    return Squeezing(low, high, bits, window, conformal_threshold(score(unset, held_out, probabilities), false_alarms))


def score(record: Squeezing, x: NDArray[np.float32], probabilities: Probabilities) -> NDArray[np.float64]:
    """The larger change of the answer, `(n,)`, from 0 to 2."""
    plain = probabilities(x)
    changes = [np.abs(probabilities(squeezed) - plain).sum(axis=1) for squeezed in squeezes(record, x)]
    return np.asarray(np.max(changes, axis=0))


def squeezes(record: Squeezing, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The pictures with fewer levels, and smoothed by the median."""
    levels = 2**record.bits - 1
    width = record.high - record.low
    coarse = record.low + np.rint((x - record.low) / width * levels) / levels * width
    before, after = (record.window - 1) // 2, record.window // 2
    padded = np.pad(x, [(0, 0), (0, 0), (before, after), (before, after)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (record.window, record.window), axis=(2, 3))
    return coarse.astype(np.float32), np.median(windows, axis=(4, 5)).astype(np.float32)
