"""A linear model of two classes, whose robustness is known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples, ThreatModel


@dataclass(frozen=True)
class Linear:
    """Class 1 where `w·x + b` is positive."""

    weights: NDArray[np.float64]
    bias: float

    def value(self, x: Samples) -> NDArray[np.float64]:
        return np.asarray(x.reshape(len(x), -1).astype(np.float64) @ self.weights.ravel() + self.bias)

    def scores(self, x: Samples) -> NDArray[np.float64]:
        value = self.value(x)
        return np.stack([np.zeros_like(value), value], axis=1)

    def labels(self, x: Samples) -> Classes:
        return np.asarray(self.scores(x).argmax(axis=1))

    def distance(self, x: Samples) -> NDArray[np.float64]:
        """Exact L∞ distance to the boundary: |w·x + b| / ‖w‖₁."""
        return np.asarray(np.abs(self.value(x)) / np.abs(self.weights).sum())

    def breakable(self, x: Samples, threat: ThreatModel) -> NDArray[np.bool_]:
        """Whether the worst corner of the box changes the answer."""
        lower, upper = threat.box(x)
        y = self.labels(x)
        up = (self.weights > 0) == (y == 0).reshape(-1, *[1] * (x.ndim - 1))
        return np.asarray(self.labels(np.where(up, upper, lower)) != y)


def linear_case(
    shape: tuple[int, ...], n: int, seed: int, *, low: float = 0.0, high: float = 1.0
) -> tuple[Linear, Samples, Classes]:
    """A random linear model whose boundary passes through the middle of the samples, all of them classified."""
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=shape)
    x = generator.uniform(low, high, size=(n, *shape)).astype(np.float32)
    model = Linear(weights, -float(weights.sum()) * (low + high) / 2)
    return model, x, model.labels(x)


def seeds_for(n: int) -> NDArray[np.int64]:
    return np.random.default_rng(99).integers(2**62, size=n)
