"""How values of explained samples become metrics with exact bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np

from touchstone.checks.governance.explanation_worth import Values, Worth
from touchstone.checks.shares import share_metric
from touchstone.methods.explanation.attribution import Attributions
from touchstone.methods.explanation.stability import rank_correlation
from touchstone.records import Metric
from touchstone.statistics import mean_bounds

CHANGED: Final = 0.5
"""Change of an explanation, against its length, from which on it is called another one."""


def mean_metric(
    metric: str,
    unit: str,
    values: Values,
    part: str | None = None,
    *,
    better: Literal["higher", "lower"] = "higher",
    looks: int = 1,
) -> Metric:
    """The mean over samples of values between -1 (a share: 0) and 1."""
    low, high = mean_bounds(values, smallest=0.0 if unit == "share" else -1.0, looks=looks)
    return Metric(
        id=metric,
        unit=unit,
        value=float(values.mean()),
        low=low,
        high=high,
        method="betting",
        n=len(values),
        better=better,
        slice=part,
    )


def limited_metrics(worth: Worth, part: str | None = None, looks: int = 1) -> tuple[Metric, ...]:
    """The two metrics that limits speak of; no stability where no answer stayed."""
    gain = mean_metric("deletion_gain_over_random", "auc_points", worth.deletion_gain, part, looks=looks)
    stayed = worth.stability[~np.isnan(worth.stability)]
    if not stayed.size:
        return (gain,)
    return gain, mean_metric("stability_rank_correlation", "spearman", stayed, part, looks=looks)


def further_metrics(worth: Worth, part: str | None, main: Attributions | None) -> Iterator[Metric]:
    """What else is known of one method; `main` are the explanations that it is compared with."""
    yield mean_metric("insertion_gain_over_random", "auc_points", worth.insertion_gain, part)
    stayed = worth.change[~np.isnan(worth.change)]
    if stayed.size:
        changed = int((stayed >= CHANGED).sum())
        yield share_metric("changed_explanations", changed, stayed.size, "lower", part=part)
    if worth.other_seed is not None:
        yield mean_metric("seed_rank_correlation", "spearman", worth.other_seed, part)
    if main is not None:
        correlation = rank_correlation(worth.attributions, main[: len(worth.attributions)])
        yield mean_metric("method_agreement", "spearman", correlation, part)
