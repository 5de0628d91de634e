"""Rates measured against what the supplier claims: for classes that a model names, and answers that it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from touchstone.checks.shares import share_metric
from touchstone.records import Metric, Note
from touchstone.statistics import proportion_bounds
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_GROUPS = 50
"""An attribute with more values is no grouping of people, and is not sliced by."""

Rates = Mapping[str, tuple[int, int]]
"""Successes and samples of each rate, by metric id."""


def least_margin(rates: Rates, claims: Mapping[str, float]) -> Iterator[Metric]:
    """The least of measured less claimed, over the claims that are measured.

    The lower bound needs no correction for several claims: it holds whenever that of the claim worst in truth does.
    The upper bound may be spoilt by any of them, so the claims share its error.
    """
    claimed = [(successes, n, claims[name]) for name, (successes, n) in rates.items() if name in claims]
    if not claimed:
        return
    yield Metric(
        id="lower_bound_minus_claim",
        unit="points",
        value=min(successes / n - claim for successes, n, claim in claimed),
        low=min(proportion_bounds(successes, n)[0] - claim for successes, n, claim in claimed),
        high=min(proportion_bounds(successes, n, looks=len(claimed))[1] - claim for successes, n, claim in claimed),
        method="clopper-pearson",
        n=min(n for _, n, _ in claimed),
        better="higher",
    )


def half_width(successes: int, n: int) -> Metric:
    """From the rate that matters most to the further of its bounds: what the sample leaves open."""
    low, high = proportion_bounds(successes, n)
    return Metric(
        id="interval_half_width",
        unit="share",
        value=max(successes / n - low, high - successes / n),
        method="clopper-pearson/half-width",
        n=n,
        better="lower",
    )


def by_group(
    name: str, sensitive: Mapping[str, NDArray[np.str_]], correct: NDArray[np.bool_], least: int
) -> tuple[list[Metric], list[str]]:
    """The rate `name` per value of each sensitive attribute, and the groups and attributes for which none is given."""
    metrics, unsliced = [], []
    for attribute, values in sorted(sensitive.items()):
        names, membership = np.unique(values, return_inverse=True)
        if len(names) > MOST_GROUPS:
            unsliced.append(attribute)
            continue
        for index, value in enumerate(names):
            part = f"{attribute}={value}"
            members = correct[membership == index]
            if len(members) < least:
                unsliced.append(part)
            else:
                metrics.append(share_metric(name, int(members.sum()), len(members), "higher", part=part))
    return metrics, unsliced


def claim_notes(rates: Rates, claims: Mapping[str, float]) -> Iterator[Note]:
    """Claims that nothing was measured for, or that there are none."""
    if not claims:
        yield Note(
            code="no-claim",
            text=Text(
                "no performance is claimed in model.claims, so there is nothing to confirm",
                "model.claims 中未声明任何性能指标，因此无可验证的声明",
            ),
        )
    unmeasured = ", ".join(sorted(set(claims) - set(rates)))
    if unmeasured:
        yield Note(
            code="claim-not-measured",
            text=Text(
                f"claimed but not measured by this check: {unmeasured}",
                f"以下声明未由本检查项测量：{unmeasured}",
            ),
        )


def group_notes(unsliced: list[str], least: int) -> Iterator[Note]:
    """Which groups got no figure of their own, and why."""
    if unsliced:
        listed = ", ".join(unsliced[:20]) + (" …" if len(unsliced) > 20 else "")
        yield Note(
            code="groups-not-reported",
            text=Text(
                f"no accuracy of their own, for fewer than {least} samples or more than "
                f"{MOST_GROUPS} values ({len(unsliced)}): {listed}",
                f"因样本少于 {least} 或取值多于 {MOST_GROUPS} 种而未单独给出准确率（共 {len(unsliced)} 项）：{listed}",
            ),
        )
