"""A small change of the input that leads a tree ensemble to another answer.

An ensemble is constant on boxes, so the nearest point of a box with another answer is found by clipping. From such a
box the search walks to neighbours that are nearer: across one side, or into one other leaf of one tree, which is the
neighbourhood of Zhang, Zhang and Hsieh 2020, "An efficient adversarial attack for tree ensembles" (NeurIPS). In L∞,
where every column may use the whole radius, the best point is then squeezed into ever smaller boxes around the sample,
climbing the lead of the other classes leaf by leaf. What is found is an upper bound on the distance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples, margin, uniform_threat
from touchstone.methods.attacks.tree_ensembles import LEAF, Norm, TreeEnsemble, distance

STARTS: Final = 16
"""Nearest samples with another answer that a search starts from."""
WALKS: Final = 4
"""Best starts from which the whole walk is made."""
BISECTIONS: Final = 8
SQUEEZES: Final = 8
"""Smaller boxes that are tried in L∞."""
_AT_ONCE: Final = 256
_NEARER: Final = 1 - 1e-9


def leaf_box_attack(
    ensemble: TreeEnsemble, x: Samples, y: Classes, references: Samples, norm: Norm
) -> tuple[Samples, NDArray[np.float64]]:
    """The nearest sample with another answer than `y` that was found for each of `x`, and its distance.

    Where no reference has another answer the sample stays as it is, at distance infinity.
    """
    answers = ensemble.labels(references)
    adversarial, found = x.copy(), np.full(len(x), np.inf)
    for row in range(len(x)):
        others = references[answers != y[row]]
        if len(others):
            walk = _Walk(ensemble, x[row], int(y[row]), norm)
            adversarial[row], found[row] = walk.from_nearest(others)
    return adversarial, found


def climb_in_box(
    ensemble: TreeEnsemble, x: NDArray[np.float32], y: int, low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """A point of the box around `x`, both ends included, with another answer than `y`; `None` where none was found."""
    return _Walk(ensemble, x, y, "linf").climbed(x, low, high)


class _Walk:
    """Walks from box to box around one sample."""

    def __init__(self, ensemble: TreeEnsemble, x: NDArray[np.float32], y: int, norm: Norm) -> None:
        self.ensemble, self.x, self.y, self.norm = ensemble, x, y, norm
        low, high = ensemble.boxes
        leaves = np.flatnonzero(ensemble.feature == LEAF)
        self.low, self.high = low[leaves], high[leaves]

    def from_nearest(self, others: Samples) -> tuple[NDArray[np.float32], float]:
        nearest = np.argsort(self._far(others), kind="stable")[:STARTS]
        starts = self._drawn_near(others[nearest])
        best = [self._walked(start) for start in starts[np.argsort(self._far(starts), kind="stable")[:WALKS]]]
        point = best[int(self._far(np.stack(best)).argmin())]
        if self.norm == "linf":
            point = self._squeezed(point)
        return point, float(self._far(point[None])[0])

    def _far(self, points: Samples) -> NDArray[np.float64]:
        return distance(self.x, points, self.norm)

    def _changed(self, points: Samples) -> NDArray[np.bool_]:
        return np.asarray(self.ensemble.labels(points) != self.y)

    def _nearest(self, points: Samples) -> Samples:
        """The nearest points of the boxes in which `points` lie: the answers are the same."""
        return np.clip(self.x, *self.ensemble.cells(points))

    def _drawn_near(self, points: Samples) -> Samples:
        """Along the straight line towards the sample, as far as halving finds another answer."""
        near, far = np.zeros(len(points)), np.ones(len(points))
        best = points.copy()
        for _ in range(BISECTIONS):
            middle = (near + far) / 2
            trial = (self.x + middle[:, None] * (points.astype(np.float64) - self.x)).astype(np.float32)
            changed = self._changed(trial)
            best[changed] = trial[changed]
            near, far = np.where(changed, near, middle), np.where(changed, middle, far)
        return self._nearest(best)

    def _walked(self, point: NDArray[np.float32]) -> NDArray[np.float32]:
        """To ever nearer boxes, until no neighbour is nearer; among equally far ones to the shorter in length."""
        here = self._rank(point[None])[0]
        while True:
            following = self._step(point, here)
            if following is None:
                return point
            point, here = following, self._rank(following[None])[0]

    def _rank(self, points: Samples) -> NDArray[np.float64]:
        """Distance in the norm; for L∞ with a little of the Euclidean one, as many points are equally far."""
        rank = self._far(points)
        return rank + 1e-3 * distance(self.x, points, "l2") / self.x.size**0.5 if self.norm == "linf" else rank

    def _step(self, point: NDArray[np.float32], here: float) -> NDArray[np.float32] | None:
        """The nearest neighbour with another answer that is nearer than `here`."""
        neighbours = np.concatenate([self._across(point), np.clip(point, self.low, self.high)])
        rank = self._rank(neighbours)
        order = np.argsort(rank, kind="stable")
        order = order[rank[order] < here * _NEARER]
        for start in range(0, len(order), _AT_ONCE):
            trial = neighbours[order[start : start + _AT_ONCE]]
            trial = trial[self._changed(trial)]
            if len(trial):
                nearest = self._nearest(trial)
                return np.asarray(nearest[self._rank(nearest).argmin()])
        return None

    def _squeezed(self, point: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same answer nearer by, as far as halving the radius and climbing find it."""
        near, far = 0.0, float(self._far(point[None])[0])
        for _ in range(SQUEEZES):
            radius = (near + far) / 2
            low, high = (side[0] for side in uniform_threat(radius, -np.inf, np.inf).box(self.x[None]))
            found = self.climbed(point, low, high)
            if found is None:
                near = radius
            else:
                point, far = found, float(self._far(found[None])[0])
        return point

    def climbed(
        self, point: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
    ) -> NDArray[np.float32] | None:
        """From the nearest point of the box into whichever leaf gives other classes most, again and again."""
        inside = ((self.low <= high) & (self.high >= low)).all(axis=1)
        lows, highs = np.maximum(self.low[inside], low), np.minimum(self.high[inside], high)
        point, least = np.clip(point, low, high), np.inf
        while True:
            neighbours = np.unique(np.clip(point, lows, highs), axis=0)
            scores = self.ensemble.scores(neighbours)
            leads = margin(scores, np.full(len(scores), self.y))
            best = int(leads.argmin())
            if scores[best].argmax() != self.y:
                return np.asarray(self._nearest(neighbours[best : best + 1])[0])
            if leads[best] >= least:
                return None
            point, least = neighbours[best], float(leads[best])

    def _across(self, point: NDArray[np.float32]) -> Samples:
        """One side of the box crossed towards the sample at a time, and each column put back at once."""
        moved = np.flatnonzero(point != self.x)
        across = np.repeat(point[None], 2 * len(moved), axis=0)
        each = np.arange(len(moved))
        across[each, moved] = np.nextafter(point[moved], self.x[moved])
        across[len(moved) + each, moved] = self.x[moved]
        return across
