"""Copies of a model made from its labels alone: what somebody gets who asks questions and learns the answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.training.side_by_side import learn_side_by_side

Kind = Literal["network", "forest", "linear"]
Copy = Callable[[NDArray[np.float32]], NDArray[np.int64]]
"""From scaled rows `(n, d)` to labels `(n,)`."""

HIDDEN = 128
SEEN = 60_000
"""Samples that the training of one network sees, over all epochs."""
EPOCHS = 8, 100
"""Fewest and most."""
TREES = 50
VALIDATED = 0.2
"""Share of the questions that chooses the kind of copy."""


def copy_of(
    x: NDArray[np.float32], labels: NDArray[np.int64], classes: int, generator: np.random.Generator
) -> tuple[Kind, Copy]:
    """The kind of copy that agrees most on questions set aside, learnt from all of them.

    `x` `(n, d)` are scaled questions, `labels` `(n,)` the answers, at least two of them.
    """
    order = generator.permutation(len(x))
    aside = max(1, round(VALIDATED * len(x)))
    test, known = order[:aside], order[aside:]
    agreement: dict[Kind, float] = {
        kind: float((learn(x[known], labels[known], classes, generator)(x[test]) == labels[test]).mean())
        for kind, learn in _KINDS.items()
    }
    best = max(agreement, key=lambda kind: agreement[kind])
    return best, _KINDS[best](x, labels, classes, generator)


def _network(x: NDArray[np.float32], labels: NDArray[np.int64], classes: int, generator: np.random.Generator) -> Copy:
    epochs = int(np.clip(round(SEEN / len(x)), *EPOCHS))
    everything = np.ones((1, len(x)), dtype=np.bool_)
    networks = learn_side_by_side(x, labels, classes, everything, generator, hidden=HIDDEN, epochs=epochs)
    return lambda rows: np.asarray(networks.logits(rows)[0].argmax(axis=1), dtype=np.int64)


def _forest(x: NDArray[np.float32], labels: NDArray[np.int64], _: int, generator: np.random.Generator) -> Copy:
    from sklearn.ensemble import ExtraTreesClassifier

    return _fitted(ExtraTreesClassifier(TREES, random_state=int(generator.integers(2**31))), x, labels)


def _linear(x: NDArray[np.float32], labels: NDArray[np.int64], _: int, __: np.random.Generator) -> Copy:
    from sklearn.linear_model import RidgeClassifier

    return _fitted(RidgeClassifier(), x, labels)


def _fitted(estimator: Any, x: NDArray[np.float32], labels: NDArray[np.int64]) -> Copy:
    import joblib

    if len(np.unique(labels)) == 1:  # some estimators refuse to learn that there is nothing to learn
        only = labels[0]
        return lambda rows: np.full(len(rows), only)
    with joblib.parallel_config(backend="sequential"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the condition of matrices, which the agreement shows anyway
        estimator.fit(x, labels)
    return lambda rows: np.asarray(estimator.predict(rows), dtype=np.int64)


_KINDS: dict[Kind, Callable[[NDArray[np.float32], NDArray[np.int64], int, np.random.Generator], Copy]] = {
    "network": _network,
    "forest": _forest,
    "linear": _linear,
}
