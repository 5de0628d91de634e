"""The nearest change of answer, sample by sample, for a model that gives labels only: starts, bisection, shrinking.

All samples move in lock step: a round asks one batch for everybody, several questions per sample, because a remote
model charges for round trips as well as for answers. Whatever changes the answer and lies nearer than what was known is
kept at once, so a search can be cut off after any question and still report what it has.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Labels, Samples, ThreatModel, stepped

Rows = NDArray[np.int64]
"""Positions of some samples among all samples of the search."""
Asked = NDArray[np.bool_]

ELEMENTS_AT_ONCE: Final = 2**24
"""Most numbers in one call of the model: 64 MiB of float32. Pictures that need more are asked in several calls."""
REAL_STARTS: Final = 4
NOISE_STARTS: Final = 4
START_ROUNDS: Final = 6
"""Rounds of noise before a sample counts as having no way out."""
FIRST_SHARES: Final = np.array([0.25, 0.5, 0.7, 0.82, 0.9, 0.95, 0.98])
"""Where on the way from the sample to a changed answer the boundary is looked for: it mostly lies near the end."""
PROBES: Final = 7
"""Questions per sample and round once the boundary is between two points: each round divides the gap by eight."""
GROUPS: Final = 32
"""Parts of a perturbation that are tried to be left out in one round."""
UNIONS: Final = 6
"""Sets of needless parts that are left out together in one round: all of them, half, a quarter, …"""
FINISHING: Final = 2
"""Turns of shrinking and bisecting at the end."""
PRECISION: Final = 1e-3
"""How near to the boundary a search ends, in shares of the distance."""
INSIDE: Final = 1 - 1e-6
"""A little inside the radius, so that no rounding leads out of it."""
UNBOUNDED_REACH: Final = 100.0
"""Radii within which noise is drawn where neither a range nor real samples limit it."""


@dataclass(frozen=True, slots=True)
class BoundaryResult:
    """The nearest change of answer found for each sample.

    `points` holds the sample itself where none was found, at an infinite `distance`. Distances are in units of the
    radius. `rounds` are those a sample took part in; `calls` are the model's calls for all samples together.
    """

    points: Samples
    distance: NDArray[np.float64]
    succeeded: NDArray[np.bool_]
    """Whether the point lies in the attacker's ball."""
    queries: NDArray[np.int64]
    rounds: NDArray[np.int64]
    calls: int

    def attack(self, x: Samples) -> AttackResult:
        """The same in the words of attacks that know only success and failure."""
        kept = self.succeeded.reshape(-1, *[1] * (x.ndim - 1))
        return AttackResult(np.where(kept, self.points, x), self.succeeded, self.queries)


class BoundarySearch:
    """The nearest known change of answer of every sample, and the means to find a nearer one."""

    def __init__(
        self,
        labels: Labels,
        x: Samples,
        y: Classes,
        threat: ThreatModel,
        seeds: NDArray[np.int64],
        *,
        queries: int,
        stop: float = 1.0,
    ) -> None:
        self.labels, self.x, self.y, self.threat, self.queries, self.stop = labels, x, y, threat, queries, stop
        self.weight = np.broadcast_to(threat.epsilon, x.shape[1:])
        self.movable = int((self.weight > 0).sum())
        self.low, self.high = threat.range(x)
        self.generators = [np.random.Generator(np.random.SFC64(int(seed))) for seed in seeds]
        self.points = x.copy()
        self.distance = np.full(len(x), np.inf)
        self.spent = np.zeros(len(x), dtype=np.int64)
        self.rounds = np.zeros(len(x), dtype=np.int64)
        self.calls = 0

    def result(self) -> BoundaryResult:
        """Everything found so far."""
        found = np.isfinite(self.distance)
        succeeded = found & self.threat.contains(self.x, self.points)
        return BoundaryResult(self.points, self.distance, succeeded, self.spent, self.rounds, self.calls)

    def left(self, rows: Rows) -> NDArray[np.int64]:
        """Questions that may still be asked about each of these samples."""
        return np.asarray(self.queries - self.spent[rows], dtype=np.int64)

    def open(self, rows: Rows) -> Rows:
        """Those of the samples with a known change of answer that is not near enough yet, and questions left."""
        distance = self.distance[rows]
        near = np.isfinite(distance) & (distance > self.stop * INSIDE)
        return np.asarray(rows[near & (self.left(rows) > 0)])

    # ---- questions

    def ask(self, rows: Rows, points: Samples, wanted: Asked | None = None) -> Asked:
        """Whether each of the points `(rows, k, *shape)` is answered otherwise than its sample; the nearest is kept.

        Only what is `wanted`, and only as many points per sample as its budget allows; the others count as unchanged.
        """
        shape = points.shape[:2]
        asked = np.ones(shape, dtype=bool) if wanted is None else wanted.copy()
        asked &= np.cumsum(asked, axis=1) <= self.left(rows)[:, None]
        changed = np.zeros(shape, dtype=bool)
        places = np.argwhere(asked)
        if not len(places):
            return changed
        questions = points[asked]
        answers = self._answers(questions) != self.y[rows[places[:, 0]]]
        self.spent[rows] += asked.sum(axis=1)
        self.rounds[rows] += asked.any(axis=1)
        changed[asked] = answers
        self._keep(rows[places[answers, 0]], questions[answers])
        return changed

    def _answers(self, questions: Samples) -> Classes:
        size = max(ELEMENTS_AT_ONCE // max(questions[0].size, 1), 1)
        parts = [questions[first : first + size] for first in range(0, len(questions), size)]
        self.calls += len(parts)
        return np.concatenate([self.labels(part) for part in parts])

    def _keep(self, owners: Rows, points: Samples) -> None:
        distance = self.threat.distance(self.x[owners], points)
        order = np.lexsort((np.arange(len(owners)), distance, owners))
        nearest = order[np.flatnonzero(np.diff(owners[order], prepend=-1))]
        better = nearest[distance[nearest] < self.distance[owners[nearest]]]
        self.points[owners[better]], self.distance[owners[better]] = points[better], distance[better]

    # ---- starts

    def start(self, rows: Rows, pool: Samples, pool_y: Classes) -> None:
        """Find any change of answer: at the nearest samples of the `pool` said to be of other classes, and in noise.

        Immutable elements stay those of the sample. Of all that change the answer, the one whose boundary is nearest
        is kept.
        """
        for attempt in range(START_ROUNDS):
            if not rows.size:
                return
            noise = np.stack([self._noise(row, pool) for row in rows])
            candidates = noise if attempt else np.concatenate([self._real(rows, pool, pool_y), noise], axis=1)
            changed = self.ask(rows, candidates)
            self._look_along(rows, candidates, changed, np.array([0.1, 0.25, 0.5]))
            rows = rows[~np.isfinite(self.distance[rows]) & (self.left(rows) > 0)]

    def _real(self, rows: Rows, pool: Samples, pool_y: Classes) -> Samples:
        chosen = np.repeat(self.x[rows][:, None], min(REAL_STARTS, len(pool)), axis=1)
        if not len(pool):
            return chosen
        for place, row in enumerate(rows):
            other = np.flatnonzero(pool_y != self.y[row])
            moved = np.clip(pool[other], self.low[row], self.high[row])
            distance = self.threat.distance(np.broadcast_to(self.x[row], moved.shape), moved)
            nearest = np.argsort(distance, kind="stable")[: chosen.shape[1]]
            chosen[place, : len(nearest)] = moved[nearest]
        return chosen

    def _noise(self, row: int, pool: Samples) -> Samples:
        """Grey noise and corners of the legal range, as a model may be calm under either."""
        x, reach = self.x[row], UNBOUNDED_REACH * self.weight
        low = np.where(np.isfinite(self.low[row]), self.low[row], pool.min(axis=0) if len(pool) else x - reach)
        high = np.where(np.isfinite(self.high[row]), self.high[row], pool.max(axis=0) if len(pool) else x + reach)
        draws = self.generators[row].random((NOISE_STARTS, *x.shape), dtype=np.float32)
        draws[NOISE_STARTS // 2 :] = np.rint(draws[NOISE_STARTS // 2 :])
        return np.asarray(np.clip(low + draws * (high - low), self.low[row], self.high[row]), dtype=np.float32)

    # ---- along the way to a known change

    def _look_along(self, rows: Rows, far: Samples, wanted: Asked, shares: NDArray[np.float64]) -> None:
        """Ask at several shares of the way from the samples to each wanted point of `far` `(rows, k, *shape)`."""
        points = np.concatenate([self.between(rows, far, np.full(wanted.shape, share)) for share in shares], axis=1)
        self.ask(rows, points, np.tile(wanted, (1, len(shares))))

    def look_nearer(self, rows: Rows, far: Samples, wanted: Asked) -> None:
        """Ask on the ways to the wanted points at distances a little, and much, below the best one known."""
        relative = self.distance[rows][:, None] / np.maximum(self._lengths(rows, far), 1e-30)
        points = [self.between(rows, far, np.minimum(relative * part, 1.0)) for part in (0.97, 0.88, 0.7)]
        self.ask(rows, np.concatenate(points, axis=1), np.tile(wanted, (1, 3)))

    def legal(self, rows: Rows, points: NDArray[np.floating[Any]]) -> Samples:
        """Points `(rows, k, *shape)` cut to the legal range."""
        low, high = self.low[rows][:, None], self.high[rows][:, None]
        return np.asarray(np.clip(points, low, high), dtype=np.float32)

    def between(self, rows: Rows, far: Samples, share: NDArray[np.float64]) -> Samples:
        """Points at `share` `(rows, k)` of the distance of `far`: on the straight way, in L∞ cut to a box."""
        x = self.x[rows][:, None]
        step = far.astype(np.float64) - x
        if self.threat.norm != "linf":
            return stepped(x, _spread(share, step) * step)
        most = _spread(share * self._lengths(rows, far), step) * self.weight
        return stepped(x, np.clip(step, -most, most))

    def _lengths(self, rows: Rows, far: Samples) -> NDArray[np.float64]:
        origin = np.repeat(self.x[rows], far.shape[1], axis=0)
        return self.threat.distance(origin, far.reshape(origin.shape)).reshape(far.shape[:2])

    def bisect(self, rows: Rows, precision: float, most_rounds: int = 6) -> None:
        """Approach the boundary on the way from each sample to its nearest change, to `precision` of the distance."""
        rows = self.open(rows)
        far, length = self.points[rows][:, None].copy(), self.distance[rows].copy()
        near, reached = np.zeros(len(rows)), np.ones(len(rows))
        shares = np.tile(FIRST_SHARES, (len(rows), 1))
        if self.stop > 0:  # the one question that decides: is the boundary within the radius here?
            shares = np.concatenate([shares, (self.stop * INSIDE / length)[:, None]], axis=1)
        for _ in range(most_rounds):
            if not rows.size:
                return
            shares = np.sort(shares, axis=1)
            points = self.between(rows, np.broadcast_to(far, (len(rows), shares.shape[1], *far.shape[2:])), shares)
            changed = self.ask(rows, points)
            first = np.where(changed.any(axis=1), changed.argmax(axis=1), shares.shape[1])
            edges = np.concatenate([near[:, None], shares, reached[:, None]], axis=1)
            places = np.arange(len(rows))
            near, reached = edges[places, first], edges[places, first + 1]
            going = np.isin(rows, self.open(rows)) & (reached - near > precision * reached)
            rows, far, near, reached = rows[going], far[going], near[going], reached[going]
            shares = near[:, None] + (reached - near)[:, None] * (np.arange(1, PROBES + 1) / (PROBES + 1))

    def shrink(self, rows: Rows) -> None:
        """Leave out parts of the perturbation that the change of answer does not need. Pointless in L∞.

        First every part alone; then, together, the most costly of those that were not needed: all, half, a quarter, …
        """
        rows = self.open(rows)
        if not rows.size or self.threat.norm == "linf":
            return
        parts = np.stack([self._parts(row) for row in rows])
        count = int(parts.max()) + 1
        far = self.points[rows].copy()
        step = (far - self.x[rows]).reshape(len(rows), -1)
        cost = np.abs(step / np.where(self.weight > 0, self.weight, 1).ravel()) ** (
            2 if self.threat.norm == "l2" else 1
        )
        saved = np.stack(
            [np.bincount(part, weights=own, minlength=count) for part, own in zip(parts, cost, strict=True)]
        )
        alone = np.arange(count)
        needless = self.ask(rows, self._without(rows, far, parts[:, None] == alone[None, :, None]), saved > 0)
        order = np.argsort(np.where(needless, -saved, np.inf), axis=1, kind="stable")
        rank = np.take_along_axis(np.argsort(order, axis=1, kind="stable"), parts, axis=1)
        number = needless.sum(axis=1)
        sizes = np.stack([number >> halving for halving in range(UNIONS)], axis=1)
        before = np.concatenate([np.full((len(rows), 1), -1), sizes[:, :-1]], axis=1)
        wanted = (sizes > 1) & (sizes != before)
        if wanted.any():
            self.ask(rows, self._without(rows, far, rank[:, None] < sizes[:, :, None]), wanted)

    def finish(self, rows: Rows) -> None:
        """Bisect and shrink in turns while that gains something and the budget lasts."""
        for _ in range(FINISHING):
            rows = self.open(rows)
            before = self.distance[rows].copy()
            self.shrink(rows)
            self.bisect(rows, PRECISION)
            rows = rows[self.distance[rows] < 0.99 * before]

    def _without(self, rows: Rows, far: Samples, removed: Asked) -> Samples:
        """The points `far` with some elements `(rows, k, elements)` put back to those of the sample."""
        flat = self.x[rows].reshape(len(rows), 1, -1)
        return np.where(removed, flat, far.reshape(flat.shape)).reshape(*removed.shape[:2], *far.shape[1:])

    def _parts(self, row: int) -> NDArray[np.int64]:
        """Which of at most `GROUPS` random parts each element belongs to."""
        size = self.weight.size
        parts = np.empty(size, dtype=np.int64)
        parts[self.generators[row].permutation(size)] = np.arange(size) * min(GROUPS, size) // size
        return parts


def polish(
    labels: Labels,
    x: Samples,
    y: Classes,
    found: Samples,
    threat: ThreatModel,
    seeds: NDArray[np.int64],
    *,
    queries: int,
) -> BoundaryResult:
    """Pull any changes of answer `found` towards their samples, whatever attack they come from."""
    search = BoundarySearch(labels, x, y, threat, seeds, queries=queries, stop=0.0)
    rows = np.arange(len(x))
    with suppress(BudgetSpentError):
        search.ask(rows, found[:, None])
        search.bisect(rows, PRECISION)
        search.finish(rows)
    return search.result()


def _spread(values: NDArray[np.float64], like: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.reshape(*values.shape, *[1] * (like.ndim - values.ndim))
