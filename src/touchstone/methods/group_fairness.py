"""Whether a classifier decides alike for groups of people: rates per group, and the gap between the worst pair.

Three rates describe the decisions about a group (Hardt, Price and Srebro 2016, NeurIPS): the selection rate (share that
gets the positive decision), the true positive rate (share of the truly positive that gets it) and the false positive
rate (share of the truly negative that gets it). Gaps are largest less smallest rate, the ratio is smallest over
largest, and the equalised odds difference is the larger of the true and the false positive rate gap.

Bounds of a worst pair over many groups, every rate by Clopper and Pearson:

- The bound on the bad side needs no correction for the number of groups. The worst pair in truth is *one* pair; the
  bound taken is the worst over all pairs, so it holds whenever the two bounds of that pair hold, and each of them takes
  half the error (the logic of intersection-union tests, Berger 1982, Technometrics 24).
- The bound on the good side is the most any pair proves, and any of them may be wrong: the error is shared evenly by
  all upper and lower bounds of all groups (Bonferroni).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from touchstone.statistics import CONFIDENCE, proportion_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rate = Literal["selection_rate", "true_positive_rate", "false_positive_rate"]
RATES: tuple[Rate, ...] = ("selection_rate", "true_positive_rate", "false_positive_rate")


@dataclass(frozen=True, slots=True)
class Share:
    """`successes` of `n` members."""

    successes: int
    n: int

    @property
    def value(self) -> float:
        """The share itself; `n` must not be zero."""
        return self.successes / self.n


@dataclass(frozen=True, slots=True)
class Group:
    """Decisions about the people who share a value of an attribute, or of several."""

    name: str
    """As a slice: `sex=F`, or `sex=F & age=60+`."""
    samples: int
    selected: int
    positives: int
    selected_positives: int

    def share(self, rate: Rate) -> Share:
        """One rate of this group, with the members it is a share of."""
        match rate:
            case "selection_rate":
                return Share(self.selected, self.samples)
            case "true_positive_rate":
                return Share(self.selected_positives, self.positives)
            case "false_positive_rate":
                return Share(self.selected - self.selected_positives, self.samples - self.positives)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The worst pair of groups in one respect, with bounds of the truth and how many members were compared."""

    value: float
    low: float
    high: float
    n: int


def groups_by_attribute(
    selected: NDArray[np.bool_], positive: NDArray[np.bool_], attributes: Mapping[str, NDArray[np.str_]]
) -> dict[tuple[str, ...], tuple[Group, ...]]:
    """Groups by the attributes that make them: each attribute alone, then each pair, in order of name.

    All arrays are `(n,)`: whether a person got the positive decision, whether the positive class is the truth, and the
    person's value of each attribute.
    """
    names = sorted(attributes)
    combinations = [*itertools.combinations(names, 1), *itertools.combinations(names, 2)]
    return {
        combination: _groups(combination, [attributes[name] for name in combination], selected, positive)
        for combination in combinations
    }


def rate_gap(shares: Sequence[Share], *, confidence: float = CONFIDENCE, family: int) -> Comparison:
    """Largest less smallest of the rates of two or more disjoint groups, from 0 to 1.

    `family` is the number of groups that share the error of the bound on the good side: all that are compared anywhere.
    """
    pessimistic = [_bounds(share, confidence, 2) for share in shares]
    optimistic = [_bounds(share, confidence, 2 * family) for share in shares]
    values = [share.value for share in shares]
    pairs = list(itertools.permutations(range(len(shares)), 2))
    return Comparison(
        value=max(values) - min(values),
        low=max([0.0, *(optimistic[a][0] - optimistic[b][1] for a, b in pairs)]),
        high=max(pessimistic[a][1] - pessimistic[b][0] for a, b in pairs),
        n=sum(share.n for share in shares),
    )


def rate_ratio(shares: Sequence[Share], *, confidence: float = CONFIDENCE, family: int) -> Comparison:
    """Smallest over largest of the rates of two or more disjoint groups, from 0 to 1; 1 when all rates are zero.

    `family` as in :func:`rate_gap`.
    """
    pessimistic = [_bounds(share, confidence, 2) for share in shares]
    optimistic = [_bounds(share, confidence, 2 * family) for share in shares]
    values = [share.value for share in shares]
    pairs = list(itertools.permutations(range(len(shares)), 2))
    return Comparison(
        value=min(values) / max(values) if max(values) > 0 else 1.0,
        low=min(pessimistic[a][0] / pessimistic[b][1] for a, b in pairs),
        high=min([1.0, *(optimistic[a][1] / optimistic[b][0] for a, b in pairs if optimistic[b][0] > 0)]),
        n=sum(share.n for share in shares),
    )


def worst(comparisons: Sequence[Comparison], better: Literal["higher", "lower"]) -> Comparison:
    """The worst of several comparisons whose good sides already share one error, with bounds of the worst truth."""
    pick = min if better == "higher" else max
    return Comparison(
        value=pick(each.value for each in comparisons),
        low=pick(each.low for each in comparisons),
        high=pick(each.high for each in comparisons),
        n=min(each.n for each in comparisons),
    )


def _groups(
    names: Sequence[str],
    values: Sequence[NDArray[np.str_]],
    selected: NDArray[np.bool_],
    positive: NDArray[np.bool_],
) -> tuple[Group, ...]:
    labels, membership = np.unique(np.stack(values, axis=1), axis=0, return_inverse=True)
    membership = membership.reshape(-1)

    def count(condition: NDArray[np.bool_]) -> list[int]:
        return [int(total) for total in np.bincount(membership[condition], minlength=len(labels))]

    counts = zip(
        count(np.ones_like(selected)), count(selected), count(positive), count(selected & positive), strict=True
    )
    return tuple(
        Group(" & ".join(f"{name}={value}" for name, value in zip(names, label, strict=True)), *numbers)
        for label, numbers in zip(labels, counts, strict=True)
    )


def _bounds(share: Share, confidence: float, bounds_sharing: int) -> tuple[float, float]:
    return proportion_bounds(share.successes, share.n, confidence=confidence, looks=bounds_sharing)
