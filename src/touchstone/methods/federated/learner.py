"""Models that parties train together, seen as one vector of weights; softmax regression, the smallest of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.federated.rules import Vector, clipped

Rows = NDArray[Any]
"""Inputs `(n, *shape)`."""
Classes = NDArray[np.int64]
"""`(n,)`."""


class Learner(Protocol):
    """A classifier whose weights are one vector `(w,)`."""

    def fresh(self, generator: np.random.Generator) -> Vector | None:
        """Weights before the first round; `None` where they would mean nothing."""

    def gradient(self, weights: Vector, x: Rows, y: Classes) -> Vector:
        """Of the mean cross-entropy over the rows."""

    def labels(self, weights: Vector, x: Rows) -> Classes:
        """The classes that a model with these weights gives."""

    def features(self, weights: Vector, x: Rows) -> NDArray[np.float64]:
        """What the first dense layer takes, `(n, d)`."""

    def first_dense(self, update: Vector) -> tuple[NDArray[np.float64], Vector]:
        """The part of an update that belongs to the first dense layer: of its weights `(units, d)` and biases."""

    def size(self, x: Rows) -> tuple[int, int]:
        """How many weights learn, and how many multiplications they make of one row like the first of `x`."""


@dataclass(frozen=True, slots=True)
class SoftmaxRegression:
    """Linear scores of rows `(n, d)`, a softmax on top: one dense layer that takes the rows themselves."""

    columns: int
    classes: int

    def fresh(self, generator: np.random.Generator) -> Vector:
        """All zero, as the loss has but one minimum."""
        del generator
        return np.zeros(self.classes * (self.columns + 1))

    def gradient(self, weights: Vector, x: Rows, y: Classes) -> Vector:
        """Of the mean cross-entropy: what each class got too much, times the row."""
        scores = self._scores(weights, x)
        too_much = np.exp(scores - scores.max(axis=1, keepdims=True))
        too_much /= too_much.sum(axis=1, keepdims=True)
        too_much[np.arange(len(y)), y] -= 1.0
        return np.concatenate([(too_much.T @ x).ravel(), too_much.sum(axis=0)]) / len(x)

    def labels(self, weights: Vector, x: Rows) -> Classes:
        """The class with the largest score."""
        return np.asarray(self._scores(weights, x).argmax(axis=1), dtype=np.int64)

    def features(self, weights: Vector, x: Rows) -> NDArray[np.float64]:
        """The rows."""
        del weights
        return np.asarray(x, dtype=np.float64)

    def first_dense(self, update: Vector) -> tuple[NDArray[np.float64], Vector]:
        """All of it."""
        return update[: -self.classes].reshape(self.classes, self.columns), update[-self.classes :]

    def size(self, x: Rows) -> tuple[int, int]:
        """Every weight is used once."""
        del x
        return self.classes * (self.columns + 1), self.classes * self.columns

    def _scores(self, weights: Vector, x: Rows) -> NDArray[np.float64]:
        matrix, bias = self.first_dense(weights)
        return np.asarray(x @ matrix.T + bias)


@dataclass(frozen=True, slots=True)
class LocalTraining:
    """How a party makes its update out of its rows."""

    steps: int
    batch: int
    rate: float
    clipping_norm: float | None = None
    noise: float = 0.0
    """Standard deviation, in each weight."""

    @property
    def rows(self) -> int:
        """Rows that go into one update, the same one several times perhaps."""
        return self.steps * self.batch


def party_update(
    learner: Learner, weights: Vector, x: Rows, y: Classes, training: LocalTraining, generator: np.random.Generator
) -> Vector:
    """What one party sends `(w,)`: a step of gradient descent on each batch of its rows, in order; clipped, with noise.

    `x` and `y` hold `training.rows` rows.
    """
    moved = weights
    for step in range(training.steps):
        batch = slice(step * training.batch, (step + 1) * training.batch)
        moved = moved - training.rate * learner.gradient(moved, x[batch], y[batch])
    update = clipped(moved - weights, training.clipping_norm)
    return update + generator.normal(scale=training.noise, size=update.shape) if training.noise else update
