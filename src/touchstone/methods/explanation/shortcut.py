"""A model that cheats, made on purpose: every explanation worth the name must find it out.

The labels are drawn by lot, so that nothing in the inputs tells them but the part into which they are written. What is
trained on that can only have learnt the shortcut (compare Adebayo et al. 2020, NeurIPS, on debugging with planted
shortcuts).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.explanation.parts import Parts

USUAL_ODDS = 3.0
"""Log-odds that the cheating model usually answers with: sure (95 %), but not saturated."""


@dataclass(frozen=True, slots=True)
class LinearClassifier:
    """Two classes; the log-odds of class 1 are `weights · x + offset`."""

    weights: NDArray[np.float64]
    offset: float

    def odds(self, x: Samples, y: Classes) -> NDArray[np.float64]:
        """Log-odds `(n,)` of the classes `y`."""
        one = x.reshape(len(x), -1) @ self.weights.ravel() + self.offset
        return np.where(y == 1, one, -one)

    def slopes(self, x: Samples, y: Classes) -> Samples:
        """Their gradients, shape of `x`."""
        sign = np.where(y == 1, 1.0, -1.0).reshape(-1, *[1] * (x.ndim - 1))
        return (sign * self.weights).astype(np.float32)

    def labels(self, x: Samples) -> Classes:
        """The answers."""
        return (self.odds(x, np.ones(len(x), np.int64)) > 0).astype(np.int64)


def with_shortcut(x: Samples, parts: Parts, part: int, generator: np.random.Generator) -> tuple[Samples, Classes]:
    """Copies of `x` with labels by lot, each written into one part: the lowest values seen there, or the highest."""
    labels = generator.integers(2, size=len(x))
    low, high = x.min(axis=0), x.max(axis=0)
    high = np.where(high > low, high, low + 1)
    written = np.where(labels.reshape(-1, *[1] * (x.ndim - 1)) == 1, high, low)
    return np.where(parts.of == part, written, x).astype(np.float32), labels


def trained_classifier(x: Samples, labels: Classes) -> LinearClassifier:
    """Ridge regression on standardised elements, in its dual form: as many unknowns as samples, not as elements."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    mean, spread = flat.mean(axis=0), flat.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    z = (flat - mean) / scale
    kernel = z @ z.T
    ridge = max(float(np.trace(kernel)) / len(x), 1e-12)
    target = np.where(labels == 1, 1.0, -1.0)
    weights = z.T @ np.linalg.solve(kernel + ridge * np.eye(len(x)), target - target.mean())
    answers = z @ weights
    weights *= USUAL_ODDS / max(float(np.abs(answers).mean()), 1e-12) / scale
    return LinearClassifier(weights.reshape(x.shape[1:]), float(-mean @ weights))
