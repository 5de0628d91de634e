"""Score-based search along one direction at a time.

Guo, Gardner, You, Wilson and Weinberger 2019, "Simple Black-box Adversarial Attacks" (ICML), in the basis of elements
and in that of the discrete cosine transform, low frequencies first. The paper asks about one direction per round. Here
a round asks about several of them, both ways, and a second one about all that helped together: a model at the other end
of a network is asked the same number of questions in a fraction of the round trips.
"""

from __future__ import annotations

from contextlib import suppress
from math import prod
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples, Scores, ThreatModel, margin, stepped

Basis = Literal["element", "cosine"]
Rows = NDArray[np.int64]

DIRECTIONS: Final = 16
"""Tried in one round, each both ways."""
STEP: Final = {"linf": 1.0, "l2": 0.3, "l1": 0.3}
"""Length of the first steps, in radii."""
FEW: Final = 0.05
"""Share of the directions that must help, or the step is halved once all of them have been tried."""
HELD_AT_ONCE: Final = 2**24
"""Most numbers in the questions of one round; more samples are attacked one portion after the other."""
LOW_FREQUENCIES: Final = 0.25
"""Share of the frequencies of each axis that is tried before the others."""


def simba(
    scores: Scores,
    x: Samples,
    y: Classes,
    threat: ThreatModel,
    seeds: NDArray[np.int64],
    *,
    queries: int,
    basis: Basis = "element",
) -> AttackResult:
    """Attack samples that the model classifies as `y`, with at most `queries` questions per sample.

    The cosine basis is for pictures `(n, channels, height, width)`.
    """
    result = AttackResult(x.copy(), np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=np.int64))
    size = max(HELD_AT_ONCE // (2 * DIRECTIONS * prod(x.shape[1:])), 1)
    for first in range(0, len(x), size):
        part = slice(first, first + size)
        search = _Search(scores, x[part], y[part], threat, seeds[part], queries, basis)
        with suppress(BudgetSpentError):  # what was found until then stands
            while search.rows.size and search.movable.size:
                search.round()
        result.adversarial[part], result.succeeded[part] = search.adversarial, search.succeeded
        result.queries[part] = search.spent
    return result


class _Search:
    def __init__(
        self,
        scores: Scores,
        x: Samples,
        y: Classes,
        threat: ThreatModel,
        seeds: NDArray[np.int64],
        queries: int,
        basis: Basis,
    ) -> None:
        self.scores, self.x, self.y, self.threat, self.queries, self.basis = scores, x, y, threat, queries, basis
        self.weight = np.broadcast_to(threat.epsilon, x.shape[1:])
        self.movable = np.flatnonzero(self.weight.ravel() > 0)
        self.generators = [np.random.Generator(np.random.SFC64(int(seed))) for seed in seeds]
        self.order = np.stack([self._shuffled(generator) for generator in self.generators])
        self.tried = 0
        self.step = np.full(len(x), STEP[threat.norm])
        self.helpful = np.zeros(len(x))
        self.rows: Rows = np.arange(len(x))
        self.best = x.copy()
        self.value = np.full(len(x), np.inf)
        self.adversarial = x.copy()
        self.succeeded = np.zeros(len(x), dtype=bool)
        self.spent = np.zeros(len(x), dtype=np.int64)

    def round(self) -> None:
        """Try the next directions one by one, then those that helped together."""
        place = self.tried % self.order.shape[1]
        if place == 0 and self.tried:
            self._begin_again()
        rows = self.rows
        chosen = self.order[rows, place : place + DIRECTIONS]
        self.tried += chosen.shape[1]
        ways = self._directions(chosen)
        ways *= self.step[rows].reshape(-1, *[1] * (ways.ndim - 1))
        base = self.best[rows].copy()
        moves = np.concatenate([ways, -ways], axis=1)
        if self.tried == chosen.shape[1]:  # the first round also asks where it starts
            moves = np.concatenate([np.zeros_like(ways[:, :1]), moves], axis=1)
        before = self.value[rows].copy()
        value = self._ask(rows, base, moves)
        if value.shape[1] > 2 * chosen.shape[1]:
            before, value, moves = value[:, 0], value[:, 1:], moves[:, 1:]
        helped = value < before[:, None]
        self.helpful[rows] += helped.sum(axis=1)
        together = np.where(_spread(helped, moves), moves, 0).sum(axis=1, keepdims=True)
        several = (helped.sum(axis=1) > 1) & ~self.succeeded[rows]
        if several.any():
            self._ask(rows[several], base[several], together[several])
        self.rows = rows[~self.succeeded[rows] & (self.spent[rows] < self.queries)]

    def _begin_again(self) -> None:
        """A new order of all directions, and half the step where few of them helped."""
        for row in self.rows:
            self.order[row] = self._shuffled(self.generators[row])
        few = self.rows[self.helpful[self.rows] < FEW * self.order.shape[1]]
        self.step[few] /= 2
        self.helpful[self.rows] = 0

    def _ask(self, rows: Rows, base: Samples, moves: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lead of the own class after each move `(rows, k, *shape)`; infinite where the budget forbids to ask.

        The best point is kept, and the first one that changes the answer.
        """
        count = moves.shape[1]
        steps = (moves * self.weight).reshape(-1, *self.weight.shape)
        points = self.threat.drawn_in(
            np.repeat(self.x[rows], count, axis=0), stepped(np.repeat(base, count, axis=0), steps)
        )
        asked = np.arange(count) < (self.queries - self.spent[rows])[:, None]
        owners = np.repeat(np.arange(len(rows)), count)[asked.ravel()]
        value = np.full(asked.shape, np.inf)
        if not owners.size:
            return value
        answer = self.scores(points[asked.ravel()])
        self.spent[rows] += asked.sum(axis=1)
        own = self.y[rows[owners]]
        value[asked] = margin(answer, own)
        broken = np.zeros(asked.shape, dtype=bool)
        broken[asked] = answer.argmax(axis=1) != own
        points = points.reshape(len(rows), count, *self.weight.shape)
        best = np.where(broken.any(axis=1), broken.argmax(axis=1), value.argmin(axis=1))
        places = np.arange(len(rows))
        better = value[places, best] <= self.value[rows]
        self.best[rows[better]] = points[places, best][better]
        self.value[rows[better]] = value[places, best][better]
        found = broken.any(axis=1)
        self.adversarial[rows[found]], self.succeeded[rows[found]] = points[places, best][found], True
        return value

    def _shuffled(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """All directions in random order; of cosines the slow ones before the quick ones."""
        if self.basis == "element":
            return generator.permutation(self.movable)
        order = generator.permutation(self.weight.size)
        frequency = np.stack(np.unravel_index(order, self.weight.shape))[1:]
        low = (frequency <= LOW_FREQUENCIES * np.array(self.weight.shape[1:])[:, None]).all(axis=0)
        return order[np.argsort(~low, kind="stable")]

    def _directions(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Directions `(rows, k, *shape)` of unit length in the attacker's norm, in radii of the elements."""
        flat = chosen.ravel()
        ways = np.zeros((len(flat), *self.weight.shape))
        if self.basis == "element":
            ways.reshape(len(flat), -1)[np.arange(len(flat)), flat] = 1.0
            return ways.reshape(*chosen.shape, *self.weight.shape)
        channel, row, column = np.unravel_index(flat, self.weight.shape)
        height, width = self.weight.shape[1:]
        waves = _waves(height)[row][:, :, None] * _waves(width)[column][:, None, :]
        ways[np.arange(len(flat)), channel] = waves
        ways *= self.weight > 0
        every = ways.reshape(len(flat), -1)
        if self.threat.norm == "linf":
            length = np.abs(every).max(axis=1)
        else:
            length = np.linalg.norm(every, 1 if self.threat.norm == "l1" else 2, axis=1)
        every /= np.maximum(length, 1e-12)[:, None]
        return ways.reshape(*chosen.shape, *self.weight.shape)


def _waves(side: int) -> NDArray[np.float64]:
    """Cosines `(frequency, position)` of a line of elements."""
    return np.cos(np.pi * np.outer(np.arange(side), 2 * np.arange(side) + 1) / (2 * side))


def _spread(values: NDArray[np.bool_], like: NDArray[np.float64]) -> NDArray[np.bool_]:
    return values.reshape(*values.shape, *[1] * (like.ndim - values.ndim))
