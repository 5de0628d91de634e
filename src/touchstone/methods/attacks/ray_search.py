"""Decision-based attack for models that answer with a label only.

Chen and Gu 2020, "RayS: A Ray Searching Method for Hard-label Adversarial Attack" (KDD): search over the corners
`±epsilon` of the ball for the direction in which the decision boundary is nearest, flipping ever smaller blocks of
signs. We stop as soon as the boundary is inside the ball: only the verdict is wanted, not the nearest point. Blocks
of pictures are square patches rather than the paper's rows, as neighbouring pixels matter together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Labels, Samples, ThreatModel

BISECTIONS = 6
"""Halvings of the distance to the boundary after a direction has improved."""


def ray_search(
    labels: Labels, x: Samples, y: Classes, threat: ThreatModel, seed: int, *, reach: float, queries: int
) -> AttackResult:
    """Attack samples that the model classifies as `y`, with at most `queries` questions per sample.

    `reach`, in multiples of the radius, is how far outside the ball a first change of the answer is looked for.
    `seed` orders the elements from the second sweep on; it is shared by all samples, which therefore stay in step.
    """
    inner, scale = _corners_inside(threat, x.shape[1:])
    search = _Rays(labels, x, y, inner, reach * scale, queries)
    with suppress(BudgetSpentError):  # what was found until then stands
        for block in _blocks(search.movable, seed):
            search.flip(block)
            if not search.rows.size:
                break
    return AttackResult(search.adversarial, search.succeeded, search.spent)


def _corners_inside(threat: ThreatModel, shape: tuple[int, ...]) -> tuple[ThreatModel, float]:
    """The L∞ ball whose corners lie on the ball of L2 or L1, as in the paper, and how many times smaller it is."""
    if threat.norm == "linf":
        return threat, 1.0
    movable = max(int((np.broadcast_to(threat.epsilon, shape) > 0).sum()), 1)
    scale = (movable**0.5 if threat.norm == "l2" else movable) * (1 + 1e-9)
    return replace(threat, epsilon=threat.epsilon / scale, norm="linf"), scale


def _blocks(movable: NDArray[np.int64], seed: int) -> Iterator[NDArray[np.int64]]:
    """All elements, then halves, quarters, … single elements; again and again, later sweeps in shuffled order."""
    order, sweep = movable, 0
    while True:
        parts = 1
        while True:
            yield from (block for block in np.array_split(order, parts) if block.size or not order.size)
            if parts >= order.size:
                break
            parts = min(2 * parts, order.size)
        sweep += 1
        order = np.random.default_rng([seed, sweep]).permutation(movable)


def _patches_first(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """All elements in an order that keeps patches `(rows, columns)` of the last two axes together (Morton's curve)."""
    positions = np.indices(shape).reshape(len(shape), -1)
    code = np.zeros(positions.shape[1], dtype=np.int64)
    for bit in range(max(shape[-2:]).bit_length()):
        for place, axis in enumerate(positions[-2:][::-1]):
            code |= ((axis >> bit) & 1) << (2 * bit + place)
    return np.argsort(code, kind="stable")


class _Rays:
    """The best direction and distance of every sample still in play."""

    def __init__(self, labels: Labels, x: Samples, y: Classes, threat: ThreatModel, reach: float, queries: int) -> None:
        self.labels, self.x, self.y, self.threat, self.queries = labels, x, y, threat, queries
        self.lower, self.upper = threat.box(x)
        epsilon = np.broadcast_to(threat.epsilon, x.shape[1:])
        order = _patches_first(epsilon.shape)
        self.movable = order[epsilon.ravel()[order] > 0]
        self.signs = np.ones((len(x), epsilon.size), dtype=np.int8)
        self.distance = np.full(len(x), max(reach, 1.0))
        self.rows = np.arange(len(x))
        self.adversarial = x.copy()
        self.succeeded = np.zeros(len(x), dtype=bool)
        self.spent = np.zeros(len(x), dtype=np.int64)

    def flip(self, block: NDArray[np.int64]) -> None:
        """Flip the signs of one block wherever the boundary is then nearer than before."""
        rows = self.rows
        self.signs[np.ix_(rows, block)] *= -1
        changed = self._changes_answer(rows, self.distance[rows])
        self.signs[np.ix_(rows[~changed], block)] *= -1
        self._approach(rows[changed])
        self.rows = self.rows[~self.succeeded[self.rows] & (self.spent[self.rows] < self.queries)]

    def _approach(self, rows: NDArray[np.int64]) -> None:
        """Find where on their rays these samples change, unless that is already inside the ball."""
        near = np.ones(len(rows))
        inside = self._changes_answer(rows, near)
        rows, near = rows[~inside], near[~inside]
        for _ in range(BISECTIONS):
            middle = (near + self.distance[rows]) / 2
            changed = self._changes_answer(rows, middle)
            self.distance[rows[changed]] = middle[changed]
            near = np.where(changed, near, middle)

    def _changes_answer(self, rows: NDArray[np.int64], distance: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Ask for the answers at these distances. What is found inside the ball is kept as a success."""
        allowed = self.spent[rows] < self.queries
        changed = np.zeros(len(rows), dtype=bool)
        if not allowed.any():
            return changed
        asked = rows[allowed]
        points = self._points(asked, distance[allowed])
        changed[allowed] = self.labels(points) != self.y[asked]
        self.spent[asked] += 1
        inside = changed & (distance <= 1.0)
        self.adversarial[rows[inside]] = points[inside[allowed]]
        self.succeeded[rows[inside]] = True
        return changed

    def _points(self, rows: NDArray[np.int64], distance: NDArray[np.float64]) -> Samples:
        signs = self.signs[rows].reshape(self.x[rows].shape)
        step = self.threat.epsilon * distance.reshape(-1, *[1] * (self.x.ndim - 1)) * signs
        far = np.clip(self.x[rows] + step, self.threat.low, self.threat.high).astype(np.float32)
        corner = np.where(signs > 0, self.upper[rows], self.lower[rows])
        return np.where((distance <= 1.0).reshape(-1, *[1] * (self.x.ndim - 1)), corner, far)
