"""Ways to say how far apart groups are, and which groups are large enough to be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from touchstone.methods.group_fairness import Comparison, Group, Rate, Share, rate_gap, rate_ratio, worst
from touchstone.statistics import CONFIDENCE
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Gap:
    """One way to say how far apart the worst groups are."""

    metric: str
    unit: str
    better: Literal["higher", "lower"]
    rates: tuple[Rate, ...]
    compare: Callable[..., Comparison]


GAPS = (
    Gap("selection_rate_ratio", "ratio", "higher", ("selection_rate",), rate_ratio),
    Gap("true_positive_rate_gap", "points", "lower", ("true_positive_rate",), rate_gap),
    Gap("false_positive_rate_gap", "points", "lower", ("false_positive_rate",), rate_gap),
    Gap("equalised_odds_difference", "points", "lower", ("true_positive_rate", "false_positive_rate"), rate_gap),
    Gap("positive_predictive_value_gap", "points", "lower", ("positive_predictive_value",), rate_gap),
    Gap("negative_predictive_value_gap", "points", "lower", ("negative_predictive_value",), rate_gap),
    Gap("accuracy_gap", "points", "lower", ("accuracy",), rate_gap),
    Gap("treatment_equality_gap", "points", "lower", ("withheld_share_of_errors",), rate_gap),
)
TRUE_POSITIVE_RATE_GAP = GAPS[1]

JUDGED: tuple[Rate, ...] = ("selection_rate", "true_positive_rate", "false_positive_rate")
"""Rates that a reader is told of for every group; the table of the groups holds the others."""

RATE_TITLES: Mapping[Rate, Text] = {
    "selection_rate": Text("selection rate", "选择率"),
    "true_positive_rate": Text("true positive rate", "真阳性率"),
    "false_positive_rate": Text("false positive rate", "假阳性率"),
    "positive_predictive_value": Text("positive predictive value", "阳性预测值"),
    "negative_predictive_value": Text("negative predictive value", "阴性预测值"),
    "accuracy": Text("accuracy", "准确率"),
    "withheld_share_of_errors": Text("share of errors that withhold the decision", "错误中漏判所占比例"),
}

Attributes = tuple[str, ...]
"""One attribute, or two that are looked at together."""

Groups = Mapping[Attributes, tuple[Group, ...]]


def comparable(groups: Groups, rate: Rate, least: int) -> dict[Attributes, list[Share]]:
    """Shares of the groups that are large enough, for every attribute that has two of them."""
    shares = {
        attribute: [group.share(rate) for group in members if group.share(rate).n >= least]
        for attribute, members in groups.items()
    }
    return {attribute: found for attribute, found in shares.items() if len(found) >= 2}


def comparisons(gap: Gap, groups: Groups, least: int, confidence: float = CONFIDENCE) -> dict[Attributes, Comparison]:
    """The worst pair of every attribute; all rates compared share the error of the optimistic bounds."""
    shares_of = [comparable(groups, rate, least) for rate in gap.rates]
    family = sum(len(shares) for by_attribute in shares_of for shares in by_attribute.values())
    attributes = [attribute for attribute in groups if all(attribute in shares for shares in shares_of)]
    return {
        attribute: worst(
            [gap.compare(shares[attribute], confidence=confidence, family=family) for shares in shares_of], gap.better
        )
        for attribute in attributes
    }
