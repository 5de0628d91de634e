"""Bounds of quantiles of latencies, and of the ratio of two of them, whatever their distribution is.

Latencies have long tails and several modes, so nothing is assumed but that measurements of a kind are independent:
bounds are order statistics (David and Nagaraja 2003, Order Statistics, 7.1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE

Seconds = NDArray[np.float64]


class Ratio(NamedTuple):
    """A ratio with one-sided bounds; `high` is `None` where the samples are too few to bound it."""

    value: float
    low: float
    high: float | None


def quantile_bounds(seconds: Seconds, quantile: float, error: float) -> tuple[float, float | None]:
    """Lower and upper bound of a quantile, each wrong with probability at most `error`.

    `seconds` `(n,)`. Without enough samples the lower bound is 0 and the upper one `None`: an upper bound of the 99th
    percentile at 2.5 % needs 368 samples.
    """
    from scipy.stats import binom

    ordered = np.sort(np.asarray(seconds, dtype=np.float64))
    n = len(ordered)
    ranks = np.arange(1, n + 1)
    below = ranks[binom.cdf(ranks - 1, n, quantile) <= error]
    above = ranks[binom.sf(ranks - 1, n, quantile) <= error]
    low = float(ordered[below[-1] - 1]) if len(below) else 0.0
    return low, float(ordered[above[0] - 1]) if len(above) else None


def ratio_of_quantiles(tried: Seconds, ordinary: Seconds, quantile: float, confidence: float = CONFIDENCE) -> Ratio:
    """The quantile of `tried` over that of `ordinary`; the two bounds that make one of the ratio share its error.

    Latencies have to be positive, and there has to be one of each kind.
    """
    if not len(tried) or not len(ordinary) or min(tried.min(), ordinary.min()) <= 0:
        raise ValueError("positive latencies of both kinds expected")
    error = (1.0 - confidence) / 2
    tried_low, tried_high = quantile_bounds(tried, quantile, error)
    low, high = quantile_bounds(ordinary, quantile, error)
    value = _quantile(tried, quantile) / _quantile(ordinary, quantile)
    return Ratio(
        value,
        0.0 if high is None else tried_low / high,
        None if tried_high is None or low <= 0 else tried_high / low,
    )


def _quantile(seconds: Seconds, quantile: float) -> float:
    """The smallest value that at least that share does not exceed."""
    return float(np.sort(seconds)[max(math.ceil(quantile * len(seconds)) - 1, 0)])
