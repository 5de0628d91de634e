"""Square attack: random search over windows set to a corner of the ball.

Andriushchenko, Croce, Flammarion and Hein 2020, "Square Attack" (ECCV). In L∞ a window is set to a corner of the ball;
in L2 and L1 it takes over what another window spends of the radius, keeping a trace of what was there. Windows keep the
aspect ratio of the picture, so that non-square pictures and time series are covered as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.score_search import Rows, score_search
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples, Scores, ThreatModel

LARGEST_SHARE = 0.8
"""Share of the picture that the first windows cover."""
HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Parts of the query budget after which the share is halved (the paper's schedule)."""


def square_attack(
    scores: Scores, x: Samples, y: Classes, threat: ThreatModel, seeds: NDArray[np.int64], *, queries: int
) -> AttackResult:
    """Attack pictures `(n, channels, height, width)` that the model classifies as `y`, one seed per sample."""
    proposals = (_Windows if threat.norm == "linf" else _Takeovers)(x, threat, seeds, queries)
    return score_search(scores, x, y, threat, proposals, queries=queries)


class _Windows:
    """Vertical stripes first, then ever smaller windows, each channel at its upper or lower end."""

    def __init__(self, x: Samples, threat: ThreatModel, seeds: NDArray[np.int64], queries: int) -> None:
        self.channels, self.height, self.width = x.shape[1:]
        self.x, self.threat, self.queries = x, threat, queries
        self.generators = [np.random.default_rng(int(seed)) for seed in seeds]
        self.stripes = np.stack([g.random((self.channels, 1, self.width), dtype=np.float32) for g in self.generators])
        self.draws = np.stack([g.random((queries, 2 + self.channels), dtype=np.float32) for g in self.generators])

    def propose(self, step: int, rows: Rows, best: Samples, lower: Samples, upper: Samples) -> Samples:
        if step == 0:
            return np.where(self.stripes[rows] < 0.5, lower, upper)
        draw = self.draws[rows, step]
        window = self._elements(draw, *self._window(step))
        candidate = best.copy()
        candidate[window] = np.where(draw[:, 2:, None, None] < 0.5, lower[window], upper[window])
        return candidate

    def _elements(self, draw: Samples, height: int, width: int) -> tuple[NDArray[np.int64], ...]:
        """The elements of one window per sample, placed by the first two numbers drawn."""
        top = (draw[:, 0] * (self.height - height + 1)).astype(np.int64)
        left = (draw[:, 1] * (self.width - width + 1)).astype(np.int64)
        return (
            np.arange(len(draw))[:, None, None, None],
            np.arange(self.channels)[None, :, None, None],
            (top[:, None] + np.arange(height))[:, None, :, None],
            (left[:, None] + np.arange(width))[:, None, None, :],
        )

    def _window(self, step: int) -> tuple[int, int]:
        share = LARGEST_SHARE / 2.0 ** sum(step >= part * self.queries for part in HALVINGS)
        height = min(max(round(share**0.5 * self.height), 1), self.height)
        width = min(max(round(share * self.height * self.width / height), 1), self.width)
        return height, width


class _Takeovers(_Windows):
    """The same in L2 and L1, where a larger change in one window has to be paid for in another."""

    def __init__(self, x: Samples, threat: ThreatModel, seeds: NDArray[np.int64], queries: int) -> None:
        super().__init__(x, threat, seeds, queries)
        self.paying = np.stack([g.random((queries, 2), dtype=np.float32) for g in self.generators])
        self.weight = np.broadcast_to(threat.epsilon, x.shape[1:])

    def propose(self, step: int, rows: Rows, best: Samples, lower: Samples, upper: Samples) -> Samples:
        x = self.x[rows]
        if step == 0:
            signs = np.where(self.stripes[rows] < 0.5, -1.0, 1.0) * (self.weight > 0)
            moved = x + self.weight * self._of_length(signs, np.ones(len(x)))
            return np.asarray(np.clip(moved, lower, upper), dtype=np.float32)
        draw, size = self.draws[rows, step], self._window(step)
        movable = np.broadcast_to(self.weight > 0, x.shape)
        delta = np.divide(best.astype(np.float64) - x, self.weight, out=np.zeros(x.shape), where=movable)
        window, either = np.zeros((2, *x.shape), dtype=bool)
        window[self._elements(draw, *size)] = True
        either[self._elements(self.paying[rows, step], *size)] = True
        either |= window
        signs = np.where(draw[:, 2:, None, None] < 0.5, -1.0, 1.0)
        fresh = self._of_length(signs * (window & movable), np.ones(len(x)))
        kept = self._of_length(delta * window, np.ones(len(x)))
        outside = delta * ~either
        spent = self._length(outside)
        budget = 1.0 - spent if self.threat.norm == "l1" else np.sqrt(np.maximum(1.0 - spent**2, 0.0))
        changed = outside + self._of_length(fresh + kept, np.maximum(budget, 0.0))
        return np.asarray(np.clip(x + self.weight * changed, lower, upper), dtype=np.float32)

    def _length(self, delta: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = delta.reshape(len(delta), -1)
        return np.asarray(np.linalg.norm(flat, 1 if self.threat.norm == "l1" else 2, axis=1))

    def _of_length(self, delta: NDArray[np.float64], length: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each delta stretched to the length given; nothing stays nothing."""
        factor = length / np.maximum(self._length(delta), 1e-12)
        return np.asarray(delta * factor[:, None, None, None])
