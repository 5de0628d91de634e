"""The metric that checks report most: a share with its exact bounds."""

from __future__ import annotations

from typing import Literal

from touchstone.records import Metric
from touchstone.statistics import proportion_bounds


def share_metric(
    name: str,
    count: int,
    n: int,
    better: Literal["higher", "lower"],
    *,
    part: str | None = None,
    unit: str = "share",
    looks: int = 1,
    unfinished: bool = False,
    whole: bool = False,
) -> Metric:
    """`count` of `n` with one-sided Clopper-Pearson bounds, the error shared among the `looks`.

    The count of an `unfinished` attack may still grow: nothing bounds it from above. Of a `whole`, counted rather than
    sampled, the share is exact.
    """
    share = count / n if n else 0
    low, high = (share, share) if whole else proportion_bounds(count, n, looks=looks)
    sampled = "clopper-pearson" if looks == 1 else f"clopper-pearson/{looks}-looks"
    return Metric(
        id=name,
        unit=unit,
        value=share,
        low=low,
        high=1 if unfinished else high,
        method="exact" if whole else sampled,
        n=n,
        better=better,
        slice=part,
    )
