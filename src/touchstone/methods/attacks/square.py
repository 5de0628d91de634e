"""Square attack: random search over windows set to a corner of the ball.

Andriushchenko, Croce, Flammarion and Hein 2020, "Square Attack" (ECCV), L∞ variant. Windows keep the aspect ratio
of the picture, so that non-square pictures and time series are covered as well.
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
    return score_search(scores, x, y, threat, _Windows(x.shape[1:], seeds, queries), queries=queries)


class _Windows:
    """Vertical stripes first, then ever smaller windows, each channel at its upper or lower end."""

    def __init__(self, shape: tuple[int, ...], seeds: NDArray[np.int64], queries: int) -> None:
        self.channels, self.height, self.width = shape
        self.queries = queries
        generators = [np.random.default_rng(int(seed)) for seed in seeds]
        self.stripes = np.stack([g.random((self.channels, 1, self.width), dtype=np.float32) for g in generators])
        self.draws = np.stack([g.random((queries, 2 + self.channels), dtype=np.float32) for g in generators])

    def propose(self, step: int, rows: Rows, best: Samples, lower: Samples, upper: Samples) -> Samples:
        if step == 0:
            return np.where(self.stripes[rows] < 0.5, lower, upper)
        height, width = self._window(step)
        draw = self.draws[rows, step]
        top = (draw[:, 0] * (self.height - height + 1)).astype(np.int64)
        left = (draw[:, 1] * (self.width - width + 1)).astype(np.int64)
        window = (
            np.arange(len(rows))[:, None, None, None],
            np.arange(self.channels)[None, :, None, None],
            (top[:, None] + np.arange(height))[:, None, :, None],
            (left[:, None] + np.arange(width))[:, None, None, :],
        )
        candidate = best.copy()
        candidate[window] = np.where(draw[:, 2:, None, None] < 0.5, lower[window], upper[window])
        return candidate

    def _window(self, step: int) -> tuple[int, int]:
        share = LARGEST_SHARE / 2.0 ** sum(step >= part * self.queries for part in HALVINGS)
        height = min(max(round(share**0.5 * self.height), 1), self.height)
        width = min(max(round(share * self.height * self.width / height), 1), self.width)
        return height, width
