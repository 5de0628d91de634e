"""Shares and times of several groups of which the worst decides.

The bound that a pass rests on needs no correction for several groups: it holds for the worst of them whenever the bound
of the one that is worst in truth does. Any group may spoil the other bound, so they share its error (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from touchstone.checks.delays import delay_metric
from touchstone.checks.shares import share_metric
from touchstone.records import Metric


def shares(name: str, groups: Mapping[str, tuple[int, int]], what: str, *, unit: str = "share") -> tuple[Metric, ...]:
    """The worst group's share, then every group's as the slice `what=group`. Higher is better; groups are not empty.

    `groups` maps each to how many of how many.
    """
    alone = [
        share_metric(name, count, n, "higher", part=f"{what}={group}", unit=unit)
        for group, (count, n) in groups.items()
    ]
    shared = [share_metric(name, count, n, "higher", looks=len(groups)) for count, n in groups.values()]
    worst = min(alone, key=lambda metric: metric.value)
    low = min(metric.low for metric in alone if metric.low is not None)
    high = min(metric.high for metric in shared if metric.high is not None)
    return (worst.model_copy(update={"slice": None, "low": low, "high": max(high, worst.value)}), *alone)


def delays(
    name: str, unit: str, groups: Mapping[str, Sequence[float]], quantile: float, what: str
) -> tuple[Metric, ...]:
    """The time of the slowest group, then every group's, as :func:`~touchstone.checks.delays.delay_metric` gives them.

    Where one group has no time, the slowest has none either.
    """
    alone = [delay_metric(name, unit, members, quantile, part=f"{what}={group}") for group, members in groups.items()]
    known = tuple(metric for metric in alone if metric is not None)
    if len(known) < len(alone):
        return known
    shared = [delay_metric(name, unit, members, quantile, looks=len(groups)) for members in groups.values()]
    slowest = max(known, key=lambda metric: metric.value)
    highs = [metric.high for metric in known]
    low = max(metric.low for metric in shared if metric is not None and metric.low is not None)
    high = None if None in highs else max(each for each in highs if each is not None)
    return (slowest.model_copy(update={"slice": None, "low": min(low, slowest.value), "high": high}), *known)
