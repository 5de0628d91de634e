"""Whether a classifier decides alike for groups of people: rates per group, and the gap between the worst pair.

Three rates describe the decisions about a group (Hardt, Price and Srebro 2016, NeurIPS): the selection rate (share that
gets the positive decision), the true positive rate (share of the truly positive that gets it) and the false positive
rate (share of the truly negative that gets it). Gaps are largest less smallest rate, the ratio is smallest over
largest, and the equalised odds difference is the larger of the true and the false positive rate gap. Beside them stand
predictive values (Chouldechova 2017, Big Data 5), accuracy, and treatment equality (Berk et al. 2021, Sociological
Methods & Research 50) as the share of wrong decisions that withhold: unlike the ratio of the two kinds of errors it is
a proportion, with exact bounds.

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
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from touchstone.methods.groups import Membership, crossed
from touchstone.statistics import CONFIDENCE, proportion_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rate = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "positive_predictive_value",
    "negative_predictive_value",
    "accuracy",
    "withheld_share_of_errors",
]
RATES: tuple[Rate, ...] = get_args(Rate)


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
        shares: dict[Rate, Share] = {
            "selection_rate": Share(self.selected, self.samples),
            "true_positive_rate": Share(self.selected_positives, self.positives),
            "false_positive_rate": Share(self._wrongly_selected, self.samples - self.positives),
            "positive_predictive_value": Share(self.selected_positives, self.selected),
            "negative_predictive_value": Share(self._rejected - self._withheld, self._rejected),
            "accuracy": Share(self.samples - self._wrongly_selected - self._withheld, self.samples),
            "withheld_share_of_errors": Share(self._withheld, self._wrongly_selected + self._withheld),
        }
        return shares[rate]

    @property
    def _rejected(self) -> int:
        return self.samples - self.selected

    @property
    def _withheld(self) -> int:
        return self.positives - self.selected_positives

    @property
    def _wrongly_selected(self) -> int:
        return self.selected - self.selected_positives


@dataclass(frozen=True, slots=True)
class Comparison:
    """The worst pair of groups in one respect, with bounds of the truth and how many members were compared."""

    value: float
    low: float
    high: float
    n: int


def groups_by_attribute(
    selected: NDArray[np.bool_], positive: NDArray[np.bool_], attributes: Mapping[str, Membership]
) -> dict[tuple[str, ...], tuple[Group, ...]]:
    """Groups by the attributes that make them: each attribute alone, then each pair, in order of name.

    Arrays are `(n,)`: whether a person got the positive decision, and whether the positive class is the truth.
    """
    outcome = 2 * positive.astype(np.int64) + selected
    names = sorted(attributes)
    combinations = [*itertools.combinations(names, 1), *itertools.combinations(names, 2)]
    return {
        combination: _groups(combination, [attributes[name] for name in combination], outcome)
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


def differs(groups: Sequence[Group], rate: Rate) -> NDArray[np.float64]:
    """Exact two-sided p-value `(len(groups),)` of each group against all others taken together.

    Twice the smaller tail of the hypergeometric distribution (Fisher). Every group needs a member behind the rate.
    """
    from scipy.stats import hypergeom

    shares = [group.share(rate) for group in groups]
    successes, n = sum(share.successes for share in shares), sum(share.n for share in shares)
    of = np.array([(share.successes, share.n) for share in shares])
    below = hypergeom.cdf(of[:, 0], n, successes, of[:, 1])
    above = hypergeom.sf(of[:, 0] - 1, n, successes, of[:, 1])
    return np.asarray(np.minimum(1.0, 2.0 * np.minimum(below, above)))


def _groups(names: Sequence[str], memberships: Sequence[Membership], outcome: NDArray[np.int64]) -> tuple[Group, ...]:
    """Groups that have members, in order; `outcome` is 2 for the positive, and 1 more for the selected."""
    code, combinations = crossed(memberships)
    table = np.bincount(4 * code + outcome, minlength=4 * len(combinations)).reshape(-1, 4).tolist()
    return tuple(
        Group(
            " & ".join(f"{name}={value}" for name, value in zip(names, values, strict=True)),
            samples=sum(cells),
            selected=cells[1] + cells[3],
            positives=cells[2] + cells[3],
            selected_positives=cells[3],
        )
        for values, cells in zip(combinations, table, strict=True)
        if sum(cells)
    )


def _bounds(share: Share, confidence: float, bounds_sharing: int) -> tuple[float, float]:
    return proportion_bounds(share.successes, share.n, confidence=confidence, looks=bounds_sharing)
