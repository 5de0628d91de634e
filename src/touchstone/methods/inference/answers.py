"""What a membership attack is given: a model's answers to samples, and what its references answer to the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1e-30
"""Floor of a probability, so that its logarithm stays finite."""


@dataclass(frozen=True, slots=True)
class References:
    """What `R` models of the same task give the true class of `n` samples, some of which each was trained on.

    `log_odds` and `trained` are `(R, n)`. Every sample is trained on by some of them and not by others.
    """

    log_odds: NDArray[np.float64]
    trained: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.log_odds)

    def __getitem__(self, rows: NDArray[np.int64] | slice) -> References:
        return References(self.log_odds[:, rows], self.trained[:, rows])


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers to some samples, and the true classes. Labels alone are one-hot probabilities.

    `distance` `(n,)` is how far the nearest change of answer that was found lies; zero where the answer is wrong.
    """

    probabilities: NDArray[np.float64]
    target: NDArray[np.int64]
    references: References | None = None
    distance: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, rows: NDArray[np.int64] | slice) -> Answers:
        references = None if self.references is None else self.references[rows]
        distance = None if self.distance is None else self.distance[rows]
        return Answers(self.probabilities[rows], self.target[rows], references, distance)

    @property
    def log_odds(self) -> NDArray[np.float64]:
        """Log-odds of the true class, shape `(n,)`."""
        return log_odds(self.probabilities, self.target)


def log_odds(probabilities: NDArray[np.float64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log-odds of the true class, shape `(n,)`, from probabilities `(n, K)`: the loss on a scale without an end.

    The other classes are added up. One less the true class would round to zero for all answers surer than 1 - 1e-16,
    and thus tie the very samples that are told apart most easily.
    """
    rows = np.arange(len(target))
    others = np.array(probabilities, dtype=np.float64)
    given = others[rows, target].copy()
    others[rows, target] = 0.0
    rest = others.sum(axis=1)
    return np.asarray(np.log(np.maximum(given, SMALLEST)) - np.log(np.maximum(rest, SMALLEST)))


def paired_halves(n: int, references: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Which of `n` samples each reference is to be trained on, shape `(references, n)`; an even number of them.

    They come in pairs that share all samples out between them, by lot: every sample is known to half of the references
    and new to the other half, however few there are.
    """
    if references % 2:
        raise ValueError(f"references come in pairs: {references}")
    firsts = np.arange(n) < n // 2
    halves = [generator.permutation(firsts) for _ in range(references // 2)]
    return np.array([side for half in halves for side in (half, ~half)]).reshape(references, n)
