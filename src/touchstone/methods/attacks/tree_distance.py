"""How far a sample is from another answer of a tree ensemble in L∞, or whether one lies in a box around it: exactly,
or as far as bounds tell.

* lower bound: as long as the leaves within reach of each tree, each at its worst, cannot turn the answer (intervals);
* exact: Veritas (Devos, Meert and Davis 2021, "Versatile verification of tree ensembles", ICML), where the package
  `dtai-veritas` is installed, asked only whether an answer can be turned within a radius;
* upper bound: the leaf-box attack.

Distances can only be one of finitely many: those from the sample to a side of a leaf. Halving over these ends with
the exact one, not with a small interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.leaf_box import climb_in_box, leaf_box_attack
from touchstone.methods.attacks.threat_model import Classes, Labels, Samples, uniform_threat
from touchstone.methods.attacks.tree_ensembles import LEAF, TreeEnsemble, distance

ROUNDING: Final = 1e-9
"""Relative difference of two scores that counts as none: such an answer might be turned."""
STEPS: Final = 100_000
"""Steps of Veritas for one sample; after them the bounds so far are given. They are counted, as a time limit would make
the bounds depend on the machine."""
_STEPS_AT_ONCE: Final = 100
MEMORY: Final = 2**29
TIES: Final = 20_000
"""Places where two classes are equal up to rounding that are looked at before a search is given up."""


@dataclass(frozen=True, slots=True)
class TreeDistance:
    """The distance to another answer is at least `lower` and at most `upper`, where `adversarial` lies."""

    lower: float
    upper: float
    adversarial: NDArray[np.float32]

    @property
    def exact(self) -> bool:
        """Whether both bounds are the same."""
        return self.lower == self.upper


def veritas_installed() -> bool:
    """Whether distances will be exact."""
    from importlib.util import find_spec

    return find_spec("veritas") is not None


def tree_distances(
    ensemble: TreeEnsemble,
    labels: Labels,
    x: Samples,
    y: Classes,
    references: Samples,
    *,
    exact: bool = True,
    steps: int = STEPS,
) -> list[TreeDistance]:
    """Bounds for each sample that the model answers `y`; equal ones where `exact` is wanted and Veritas is there.

    `labels` asks the model of which `ensemble` was read: every adversarial sample counts only once it says so.
    """
    found, upper = leaf_box_attack(ensemble, x, y, references, "linf")
    upper[labels(found) == y] = np.inf
    results = []
    for row in range(len(x)):
        around = _Around(ensemble, labels, x[row], int(y[row]))
        start = TreeDistance(around.interval_bound(), float(upper[row]), found[row])
        if exact and veritas_installed():
            start = around.exact(start, steps)
        results.append(start)
    return results


@dataclass(frozen=True, slots=True)
class BoxAnswer:
    """Whether the answer is the same in all of a box: `certified`, or not at the point `adversarial`, or unknown."""

    certified: bool
    adversarial: NDArray[np.float32] | None


def answers_in_boxes(
    ensemble: TreeEnsemble,
    labels: Labels,
    x: Samples,
    y: Classes,
    boxes: tuple[Samples, Samples],
    *,
    exact: bool = True,
    steps: int = STEPS,
) -> list[BoxAnswer]:
    """For each sample that the model answers `y`, whether it does so in its whole box; both ends belong to it.

    The boxes hold the samples: smallest and largest value of each element. Where `exact` is wanted and Veritas is
    there, no more than `steps` of it for each sample, the answer is seldom unknown. `labels` as in `tree_distances`.
    """
    searched = exact and veritas_installed()
    answers = []
    for row, (low, high) in enumerate(zip(*boxes, strict=True)):
        around = _Around(ensemble, labels, x[row], int(y[row]))
        if around.same_in(low, high):
            answers.append(BoxAnswer(certified=True, adversarial=None))
            continue
        point = climb_in_box(ensemble, x[row], int(y[row]), low, high)
        if point is not None and labels(point[None])[0] != y[row]:
            answers.append(BoxAnswer(certified=False, adversarial=point))
        else:
            answers.append(around.searched(low, high, steps) if searched else BoxAnswer(False, None))
    return answers


class _Around:
    """One sample, the leaves around it, and what they say about every other class."""

    def __init__(self, ensemble: TreeEnsemble, labels: Labels, x: NDArray[np.float32], y: int) -> None:
        self.ensemble, self.labels, self.x, self.y = ensemble, labels, x, y
        self.leaves = np.flatnonzero(ensemble.feature == LEAF)
        self.tree = np.searchsorted(ensemble.roots, self.leaves, side="right") - 1
        low, high = (side[self.leaves] for side in ensemble.boxes)
        self.gap = distance(np.clip(x, low, high), np.broadcast_to(x, low.shape), "linf")
        lead = ensemble.value - ensemble.value[:, [y]]
        self.lead = lead[self.leaves]
        self.base = ensemble.base - ensemble.base[y]
        self.others = np.flatnonzero(np.arange(len(self.base)) != y)
        self.tolerance = ROUNDING * (1.0 + float(np.abs(self.lead).max()) * len(ensemble.roots))
        edges = np.concatenate([low, high])
        self.radii = np.unique(np.concatenate([[0.0], self._edge_distances(edges)]))

    def interval_bound(self) -> float:
        """The smallest radius at which the worst leaves within reach of each tree could turn the answer."""
        first = self._first(self._turned_by_intervals, 0, len(self.radii))
        return float(self.radii[first]) if first < len(self.radii) else np.inf

    def same_in(self, low: NDArray[np.float32], high: NDArray[np.float32]) -> bool:
        """Whether the worst leaves within the box, each tree by itself, cannot turn the answer."""
        lowest, highest = (side[self.leaves] for side in self.ensemble.boxes)
        return not self._turned_among(np.all((lowest <= high) & (highest >= low), axis=1))

    def searched(self, low: NDArray[np.float32], high: NDArray[np.float32], steps: int) -> BoxAnswer:
        """What Veritas says about the box, one other class after another."""
        for other in self.others:
            answer = _Veritas(self, int(other)).turned_in(low, high, steps)
            if answer.point is not None or not answer.proved:
                return BoxAnswer(certified=False, adversarial=answer.point)
            steps -= answer.steps
        return BoxAnswer(certified=True, adversarial=None)

    def exact(self, bounds: TreeDistance, steps: int) -> TreeDistance:
        """Bounds narrowed by Veritas until they meet or the steps are spent."""
        searches = [_Veritas(self, int(other)) for other in self.others]
        best, upper, low = bounds.adversarial, bounds.upper, int(np.searchsorted(self.radii, bounds.lower))
        high = int(np.searchsorted(self.radii, upper))
        while low < high and steps > 0:
            middle = (low + high - 1) // 2 if np.isinf(upper) else (low + high) // 2
            answers = []
            for search in searches:
                answers.append(search.turned_within(float(self.radii[middle]), steps))
                steps -= answers[-1].steps
                if answers[-1].point is not None:
                    break
            point = answers[-1].point
            if point is not None:
                best, upper = point, float(distance(self.x, point, "linf"))
                high = min(middle, int(np.searchsorted(self.radii, upper)))
            elif all(answer.proved for answer in answers):
                low = middle + 1
            else:
                break
        lower = float(self.radii[low]) if low < len(self.radii) else np.inf
        return TreeDistance(max(lower, bounds.lower), upper, best)

    def _edge_distances(self, edges: Samples) -> NDArray[np.float64]:
        gaps = np.abs(np.where(np.isfinite(edges), edges, self.x).astype(np.float64) - self.x)
        return np.asarray(gaps.ravel())

    def _turned_by_intervals(self, radius: float) -> bool:
        return self._turned_among(self.gap <= radius)

    def _turned_among(self, near: NDArray[np.bool_]) -> bool:
        worst = np.full((len(self.ensemble.roots), len(self.base)), -np.inf)
        np.maximum.at(worst, self.tree[near], self.lead[near])
        return bool((self.base + worst.sum(axis=0))[self.others].max() >= -self.tolerance)

    def _first(self, turned: Callable[[float], bool], low: int, high: int) -> int:
        """The first radius at which `turned` holds, as it then holds for all larger ones."""
        while low < high:
            middle = (low + high) // 2
            if turned(float(self.radii[middle])):
                high = middle
            else:
                low = middle + 1
        return low


@dataclass(frozen=True, slots=True)
class _Turned:
    """A point with another answer; or none, which may be `proved`."""

    point: NDArray[np.float32] | None
    proved: bool
    steps: int


class _Veritas:
    """The lead of one other class over the sample's own, as one ensemble of Veritas."""

    def __init__(self, around: _Around, other: int) -> None:
        import veritas

        self.veritas: Any = veritas
        self.around = around
        self.trees = veritas.AddTree(1, veritas.AddTreeType.REGR)
        self.trees.set_base_score(0, float(around.base[other]))
        ensemble = around.ensemble
        lead = ensemble.value[:, other] - ensemble.value[:, around.y]
        for root in ensemble.roots:
            tree = self.trees.add_tree()
            waiting = [(int(root), tree.root())]
            while waiting:
                node, copy = waiting.pop()
                if ensemble.feature[node] == LEAF:
                    tree.set_leaf_value(copy, 0, float(lead[node]))
                    continue
                # Veritas goes left below its split: the next larger 32-bit number.
                split = float(np.nextafter(ensemble.threshold[node], np.float32(np.inf)))
                tree.split(copy, int(ensemble.feature[node]), split)
                waiting += [(int(ensemble.left[node]), tree.left(copy)), (int(ensemble.right[node]), tree.right(copy))]

    def turned_within(self, radius: float, most: int) -> _Turned:
        """Whether the other class can lead within the radius."""
        low, high = (side[0] for side in uniform_threat(radius, -np.inf, np.inf).box(self.around.x[None]))
        return self.turned_in(low, high, most)

    def turned_in(self, low: NDArray[np.float32], high: NDArray[np.float32], most: int) -> _Turned:
        """Whether the other class can lead in the box, both ends included.

        Leads within rounding are gone through one by one, as only the model itself says how it rounds.
        """
        config = self.veritas.Config(self.veritas.HeuristicType.MAX_OUTPUT)
        config.ignore_state_when_worse_than = -self.around.tolerance
        config.stop_when_num_solutions_exceeds = TIES
        config.stop_when_optimal = False
        config.max_memory = MEMORY
        # Only 32-bit numbers are inputs: sides in between would let Veritas find points that do not exist.
        beyond = np.nextafter(high, np.float32(np.inf))
        box = [self.veritas.Interval(float(a), float(b)) for a, b in zip(low, beyond, strict=True)]
        search = config.get_search(self.trees.prune(box), box)
        reason, looked_at, steps = self.veritas.StopReason, 0, 0
        stopped = reason.NONE
        while stopped == reason.NONE and steps < most:
            stopped = search.steps(_STEPS_AT_ONCE)
            steps += _STEPS_AT_ONCE
            found = range(looked_at, search.num_solutions())
            if found:
                points = np.stack([self._nearest(search.get_solution(number).box()) for number in found])
                turned = points[self.around.labels(points) != self.around.y]
                if len(turned):
                    return _Turned(turned[0], proved=False, steps=steps)
            looked_at = search.num_solutions()
        return _Turned(None, proved=stopped == reason.NO_MORE_OPEN, steps=steps)

    def _nearest(self, box: dict[int, Any]) -> NDArray[np.float32]:
        """The point of the box that is nearest to the sample; its upper sides are not part of it."""
        point = self.around.x.copy()
        for column, side in box.items():
            value = float(point[column])
            if value < side.lo:
                point[column] = np.float32(side.lo)
            elif value >= side.hi:
                point[column] = np.nextafter(np.float32(side.hi), np.float32(-np.inf))
        return point
