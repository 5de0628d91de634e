"""Many small networks that learn at the same time, each from rows of its own: one product of stacked matrices for all.

A network this small keeps a processor waiting for the next instruction; dozens of them at once do not. Plain numpy, so
that references of a model that nobody can train again need nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tensors = NDArray[np.float32]

RATE = 0.002
DECAY_OF_MEAN, DECAY_OF_SQUARE = 0.9, 0.999
"""Of Adam; Kingma and Ba 2015."""


@dataclass(frozen=True, slots=True)
class Networks:
    """`R` networks with one hidden layer of rectifiers: `first` `(R, d + 1, h)` and `second` `(R, h + 1, K)`.

    The last row of each is the bias.
    """

    first: Tensors
    second: Tensors

    def logits(self, x: Tensors) -> Tensors:
        """What each answers to the same rows `(n, d)`, shape `(R, n, K)`."""
        return _affine(np.maximum(_affine(x[None], self.first), 0.0), self.second)


def learn_side_by_side(
    x: Tensors,
    y: NDArray[np.int64],
    classes: int,
    trained: NDArray[np.bool_],
    generator: np.random.Generator,
    *,
    hidden: int = 128,
    epochs: int = 40,
    batch: int = 64,
) -> Networks:
    """Networks for rows `x` `(n, d)` of classes `y` `(n,)`, the r-th trained on the rows where `trained[r]` is set.

    Rows should have been scaled. All take as many steps as the one with the fewest rows; whoever has more leaves out
    others in every epoch.
    """
    count = len(trained)
    networks = Networks(
        _drawn(count, x.shape[1], hidden, generator),
        _drawn(count, hidden, classes, generator),
    )
    steps = [_Adam(networks.first), _Adam(networks.second)]
    own = [np.flatnonzero(rows) for rows in trained]
    fewest = min(len(rows) for rows in own)
    for _ in range(epochs):
        order = np.stack([generator.permutation(rows)[:fewest] for rows in own])
        for rows in np.array_split(order, -(-fewest // batch), axis=1):
            for step, gradient in zip(steps, _gradients(networks, x[rows], y[rows]), strict=True):
                step.down(gradient)
    return networks


def _gradients(networks: Networks, x: Tensors, y: NDArray[np.int64]) -> tuple[Tensors, Tensors]:
    """Of the mean cross-entropy on batches `x` `(R, b, d)`, `y` `(R, b)`."""
    hidden = np.maximum(_affine(x, networks.first), 0.0)
    scores = _affine(hidden, networks.second)
    scores -= scores.max(axis=2, keepdims=True)
    error = np.exp(scores, out=scores)
    error /= error.sum(axis=2, keepdims=True)
    np.put_along_axis(error, y[..., None], np.take_along_axis(error, y[..., None], 2) - 1.0, 2)
    error /= y.shape[1]
    back = error @ networks.second[:, :-1].transpose(0, 2, 1)
    back *= hidden > 0
    return _outer(x, back), _outer(hidden, error)


class _Adam:
    """Moves one tensor, in place."""

    def __init__(self, weights: Tensors) -> None:
        self._weights = weights
        self._mean, self._square = np.zeros_like(weights), np.zeros_like(weights)
        self._steps = 0

    def down(self, gradient: Tensors) -> None:
        self._steps += 1
        self._mean *= DECAY_OF_MEAN
        self._mean += (1.0 - DECAY_OF_MEAN) * gradient
        self._square *= DECAY_OF_SQUARE
        np.square(gradient, out=gradient)
        gradient *= 1.0 - DECAY_OF_SQUARE
        self._square += gradient
        rate = RATE * np.sqrt(1.0 - DECAY_OF_SQUARE**self._steps) / (1.0 - DECAY_OF_MEAN**self._steps)
        length = np.sqrt(self._square, out=gradient)
        length += 1e-8
        np.divide(self._mean, length, out=length)
        length *= np.float32(rate)
        self._weights -= length


def _drawn(count: int, inputs: int, outputs: int, generator: np.random.Generator) -> Tensors:
    """Weights after He et al. 2015, biases zero."""
    weights = np.zeros((count, inputs + 1, outputs), dtype=np.float32)
    weights[:, :-1] = generator.standard_normal((count, inputs, outputs), dtype=np.float32) * np.sqrt(2.0 / inputs)
    return weights


def _affine(x: Tensors, weights: Tensors) -> Tensors:
    product: Tensors = x @ weights[:, :-1]
    product += weights[:, -1:]
    return product


def _outer(x: Tensors, error: Tensors) -> Tensors:
    """The gradient of the weights of :func:`_affine`, the bias in the last row."""
    gradient = np.empty((x.shape[0], x.shape[2] + 1, error.shape[2]), dtype=np.float32)
    np.matmul(x.transpose(0, 2, 1), error, out=gradient[:, :-1])
    error.sum(axis=1, out=gradient[:, -1])
    return gradient
