"""What thresholds of their own would do to groups: the price of an equal true positive rate, for information.

Whether different thresholds for different groups may be used at all is a question of law, not of arithmetic. Scores and
truth are those the thresholds were chosen on, so that the rates shown are slightly kinder than new data would be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.groups import Membership


@dataclass(frozen=True, slots=True)
class GroupThreshold:
    """The positive decision for scores of at least `threshold`, and what it does to one group."""

    name: str
    positives: int
    threshold: float
    true_positive_rate: float
    accuracy_before: float
    accuracy_after: float


def equal_opportunity_thresholds(
    score: NDArray[np.float64],
    selected: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    groups: Membership,
    *,
    least: int,
) -> tuple[GroupThreshold, ...]:
    """Per group of at least `least` positives, the highest threshold that reaches the true positive rate of everybody.

    Arrays are `(n,)`: the score of the positive class, the decisions as they are, and the truth (Hardt, Price and
    Srebro 2016, NeurIPS, without their randomised thresholds).
    """
    rate = float(selected[positive].mean()) if positive.any() else 0.0
    found = []
    for index, name in enumerate(groups.names):
        members = groups.of == index
        of_positives = score[members & positive]
        if len(of_positives) < max(1, least):
            continue
        wanted = max(1, int(np.ceil(rate * len(of_positives) - 1e-9)))
        threshold = float(np.partition(of_positives, len(of_positives) - wanted)[len(of_positives) - wanted])
        decided = score[members] >= threshold
        found.append(
            GroupThreshold(
                name,
                len(of_positives),
                threshold,
                true_positive_rate=float((of_positives >= threshold).mean()),
                accuracy_before=float((selected[members] == positive[members]).mean()),
                accuracy_after=float((decided == positive[members]).mean()),
            )
        )
    return tuple(found)
