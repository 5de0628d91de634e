"""Coordinate search for tables: push one column at a time to an end of its range, then several at once.

The first pass is SimBA in the standard basis (Guo et al. 2019, "Simple Black-box Adversarial Attacks"): after it, a
linear model is broken whenever it can be. The rest is random search over ever fewer columns, which crosses the
interactions of trees and networks; half of its values lie inside the range, where a tree may hide a region.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.score_search import Rows, score_search
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples, Scores, ThreatModel

LARGEST_SHARE = 0.5
"""Share of the columns that the first random changes touch; it shrinks to a single column."""


def coordinate_attack(
    scores: Scores, x: Samples, y: Classes, threat: ThreatModel, seeds: NDArray[np.int64], *, queries: int
) -> AttackResult:
    """Attack samples of any shape that the model classifies as `y`, one seed per sample."""
    return score_search(scores, x, y, threat, _Columns(x, threat, seeds, queries), queries=queries)


class _Columns:
    """The input itself, then each movable column to both ends in random order, then random groups of columns."""

    def __init__(self, x: Samples, threat: ThreatModel, seeds: NDArray[np.int64], queries: int) -> None:
        reach = np.broadcast_to(threat.epsilon, x.shape[1:]).ravel()
        self.movable = np.flatnonzero(reach > 0)
        self.queries = queries
        self.generators = [np.random.default_rng(int(seed)) for seed in seeds]
        self.order = np.stack([g.permutation(self.movable) for g in self.generators])

    def propose(self, step: int, rows: Rows, best: Samples, lower: Samples, upper: Samples) -> Samples:
        candidate = best.copy()
        if step == 0 or not self.movable.size:
            return candidate
        flat, low, high = (array.reshape(len(rows), -1) for array in (candidate, lower, upper))
        column, end = divmod(step - 1, 2)
        if column < self.movable.size:
            touched = self.order[rows, column]
            every = np.arange(len(rows))
            flat[every, touched] = (high if end else low)[every, touched]
        else:
            self._change_groups(step, rows, flat, low, high)
        return candidate

    def _change_groups(self, step: int, rows: Rows, flat: Samples, low: Samples, high: Samples) -> None:
        share = LARGEST_SHARE * (1.0 - step / self.queries)
        count = max(round(share * self.movable.size), 1)
        for position, row in enumerate(rows):
            generator = self.generators[row]
            touched = generator.choice(self.movable, count, replace=False)
            weight = generator.random(count, dtype=np.float32)
            if generator.random() < 0.5:
                weight = np.rint(weight)
            ends = low[position, touched], high[position, touched]
            flat[position, touched] = np.clip(ends[0] + weight * (ends[1] - ends[0]), *ends)
