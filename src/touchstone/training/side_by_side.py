"""Many small networks that learn at the same time, each from rows of its own: one product of stacked matrices for all.

A network this small keeps a processor waiting for the next instruction; several of them at once do not, as long as all
they need stays close to it. Plain numpy, so that references of a model that nobody can train again need nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tensors = NDArray[np.float32]

WEIGHTS_TOGETHER = 160_000
"""With gradients and moments these fit into the second level of a processor's cache."""
RATE = 0.002
DECAY_OF_MEAN, DECAY_OF_SQUARE, LEAST = 0.9, 0.999, 1e-8
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
        hidden = np.maximum(with_ones(x) @ self.first, 0.0)
        answers: Tensors = hidden @ self.second[:, :-1]
        answers += self.second[:, -1:]
        return answers


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
    networks = Networks(
        _drawn(len(trained), x.shape[1], hidden, generator),
        _drawn(len(trained), hidden, classes, generator),
    )
    fewest = int(trained.sum(axis=1).min())
    together = max(1, WEIGHTS_TOGETHER * len(trained) // (networks.first.size + networks.second.size))
    for start in range(0, len(trained), together):
        some = slice(start, start + together)
        _learn(
            Networks(networks.first[some], networks.second[some]), x, y, trained[some], fewest, generator, epochs, batch
        )
    return networks


def _learn(
    networks: Networks,
    x: Tensors,
    y: NDArray[np.int64],
    trained: NDArray[np.bool_],
    fewest: int,
    generator: np.random.Generator,
    epochs: int,
    batch: int,
) -> None:
    """Train a few networks, in place, on `fewest` of their rows in each epoch."""
    steps = _Adam(networks.first), _Adam(networks.second)
    own = [np.flatnonzero(rows) for rows in trained]
    x = with_ones(x)
    for _ in range(epochs):
        order = np.stack([generator.permutation(rows)[:fewest] for rows in own])
        for rows in np.array_split(order, -(-fewest // batch), axis=1):
            for step, gradient in zip(steps, gradients(networks, x[rows], y[rows]), strict=True):
                step.down(gradient)


def with_ones(x: Tensors) -> Tensors:
    """Rows with a one behind them, which the bias is the weight of."""
    return np.concatenate([x, np.ones((*x.shape[:-1], 1), dtype=np.float32)], axis=-1)


def gradients(networks: Networks, x: Tensors, y: NDArray[np.int64]) -> tuple[Tensors, Tensors]:
    """Of the mean cross-entropy on batches `x` `(R, b, d + 1)`, with ones, and `y` `(R, b)`."""
    count, rows = y.shape
    hidden = x @ networks.first
    np.maximum(hidden, 0.0, out=hidden)
    # Classes come before rows: what is added up over few classes is added up for all rows at once.
    weights = networks.second[:, :-1].transpose(0, 2, 1)
    error = weights @ hidden.transpose(0, 2, 1)
    error += networks.second[:, -1, :, None]
    error -= error.max(axis=1, keepdims=True)
    np.exp(error, out=error)
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(count)[:, None], y, np.arange(rows)] -= 1.0
    error /= rows
    second = np.empty_like(networks.second)
    np.matmul(hidden.transpose(0, 2, 1), error.transpose(0, 2, 1), out=second[:, :-1])
    error.sum(axis=2, out=second[:, -1])
    active = hidden > 0.0
    back = np.matmul(error.transpose(0, 2, 1), weights, out=hidden)
    back *= active
    return x.transpose(0, 2, 1) @ back, second


class _Adam:
    """Moves one tensor, in place. Its moments are kept without their constant factors, which the rate makes up for."""

    def __init__(self, weights: Tensors) -> None:
        self._weights = weights
        self._mean, self._square = np.zeros_like(weights), np.zeros_like(weights)
        self._steps = 0

    def down(self, gradient: Tensors) -> None:
        """Take a step; the gradient is used up."""
        self._steps += 1
        self._mean *= DECAY_OF_MEAN
        self._mean += gradient
        self._square *= DECAY_OF_SQUARE
        self._square += np.square(gradient, out=gradient)
        length = np.sqrt(self._square, out=gradient)
        factor = np.sqrt(1.0 - DECAY_OF_SQUARE)
        length += np.float32(LEAST / factor)
        rate = RATE * np.sqrt(1.0 - DECAY_OF_SQUARE**self._steps) / (1.0 - DECAY_OF_MEAN**self._steps)
        step = np.divide(self._mean, length, out=length)
        step *= np.float32(rate * (1.0 - DECAY_OF_MEAN) / factor)
        self._weights -= step


def _drawn(count: int, inputs: int, outputs: int, generator: np.random.Generator) -> Tensors:
    """Weights after He et al. 2015, biases zero."""
    weights = np.zeros((count, inputs + 1, outputs), dtype=np.float32)
    weights[:, :-1] = generator.standard_normal((count, inputs, outputs), dtype=np.float32) * np.sqrt(2.0 / inputs)
    return weights
