"""How long something took, as the time within which a stated share of all cases came to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from touchstone.methods.abuse.latencies import quantile_bounds
from touchstone.records import Metric
from touchstone.statistics import CONFIDENCE

NEVER = math.inf
"""The delay of a case in which it never came."""


def delay_metric(
    name: str, unit: str, delays: Sequence[float], quantile: float, *, part: str | None = None, looks: int = 1
) -> Metric | None:
    """The `quantile` of the delays with bounds by order statistics; cases that never came to it count as the slowest.

    The upper bound is at most a limit exactly when the lower Clopper-Pearson bound of the share of cases within that
    limit is at least `quantile`: time and share can never contradict one another. Several `looks` share the error.
    `None` where there is no case, or so many that never came to it that the quantile is no number.
    """
    if not delays:
        return None
    ordered = np.sort(np.asarray(delays, dtype=np.float64))
    value = float(ordered[max(math.ceil(quantile * len(ordered)) - 1, 0)])
    if math.isinf(value):
        return None
    low, high = quantile_bounds(ordered, quantile, (1.0 - CONFIDENCE) / looks)
    return Metric(
        id=name,
        unit=unit,
        value=value,
        low=low,
        high=None if high is None or math.isinf(high) else high,
        method="order-statistics",
        n=len(ordered),
        better="lower",
        slice=part,
    )
