"""What stickers, accidents, light and false readings did, as metrics with exact bounds.

A picture counts as broken when its answer is wrong in most of the views. The worst of several kinds is one of them: the
largest of their upper bounds holds for it without correction, the largest of their lower bounds only if all hold
together, and pays for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.records import Metric, number
from touchstone.statistics import mean_bounds, proportion_bounds

Flags = NDArray[np.bool_]


def most(changed: Flags) -> Flags:
    """Which pictures are changed in more than half of their views; `changed` is `(n, views)`."""
    return np.asarray(2 * changed.sum(axis=1) > changed.shape[1])


def shares(
    name: str, kinds: Mapping[str, Flags], looks: int, better: Literal["higher", "lower"] = "lower"
) -> tuple[Metric, ...]:
    """The worst kind without a slice, then each kind; every array `(n,)` says which samples count."""
    counts = {kind: int(flags.sum()) for kind, flags in kinds.items()}
    n = len(next(iter(kinds.values())))
    single = {kind: proportion_bounds(count, n, looks=looks) for kind, count in counts.items()}
    together = [proportion_bounds(count, n, looks=looks * len(kinds)) for count in counts.values()]
    code = _code("clopper-pearson", looks)
    if better == "lower":
        value, low, high = max(counts.values()), max(b[0] for b in together), max(b[1] for b in single.values())
    else:
        value, low, high = min(counts.values()), min(b[0] for b in single.values()), min(b[1] for b in together)
    worst = _metric(name, value / n, low, high, n, f"{code}/worst-of-{len(kinds)}", better, None)
    parts = [_metric(name, counts[kind] / n, *single[kind], n, code, better, kind) for kind in kinds]
    return (worst, *parts)


def view_rates(name: str, kinds: Mapping[str, Flags], looks: int) -> tuple[Metric, ...]:
    """The mean share of views with a changed answer, for each kind; every array is `(n, views)`."""
    made = []
    for kind, changed in kinds.items():
        rate = changed.mean(axis=1)
        low, high = mean_bounds(rate, looks=looks)
        made.append(_metric(name, float(rate.mean()), low, high, len(rate), _code("betting", looks), "lower", kind))
    return tuple(made)


def _metric(
    name: str,
    value: float,
    low: float,
    high: float,
    n: int,
    method: str,
    better: Literal["higher", "lower"],
    part: str | None,
) -> Metric:
    return Metric(
        id=name,
        unit="share",
        value=number(value),
        low=number(low),
        high=number(high),
        method=method,
        n=n,
        better=better,
        slice=part,
    )


def _code(method: str, looks: int) -> str:
    return method if looks == 1 else f"{method}/{looks}-looks"
