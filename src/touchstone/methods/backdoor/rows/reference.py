"""How far a row lies from vetted samples of its label, and an exact p-value for it.

One Gaussian for each class with a common, shrunk covariance (Lee et al. 2018), on several layers of features. The
p-value is that of full conformal prediction (Vovk, Gammerman and Shafer 2005, section 2.2): the row joins the vetted
samples, the Gaussians are fitted to all of them, and the row is compared with the samples it was fitted with. So ten
samples of a class are as honest as ten thousand, where a fit to the vetted samples alone would be surprised by every
new row. A rank-one update of the inverse covariance does this for all rows at the cost of one fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
"""`(n, d)`."""
Labels = NDArray[np.int64]

SHRINKAGE = 0.1
"""Added to each variance, in units of the spread of that feature over vetted samples and rows together."""
FEWEST_OF_CLASS = 2
"""Vetted samples of a class below which its rows cannot be compared with anything."""
_AT_ONCE = 2**22
"""Distances held at one time."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """Clean samples: features of each layer `(n, d)`, the same samples in every layer, and labels `(n,)`."""

    layers: tuple[Features, ...]
    labels: Labels

    def __post_init__(self) -> None:
        if not self.layers or any(len(layer) != len(self.labels) for layer in self.layers):
            raise ValueError("layers of features with as many samples as labels expected")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Vetted:
        return Vetted(tuple(layer[rows] for layer in self.layers), self.labels[rows])


@dataclass(frozen=True, slots=True)
class RowScores:
    """`score` `(m,)` is higher for stranger rows; `p` `(m,)` is one where a label has too few vetted samples."""

    score: NDArray[np.float64]
    p: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer, fitted to the vetted samples alone. Everything is in units of the common spread."""

    residuals: Features
    """Of the vetted samples from the means of their classes, `(n, d)`."""
    means: Features
    """`(K, d)`."""
    precision: Features
    """Inverse of the scatter with what is added to it, `(d, d)`."""
    spread: NDArray[np.float64]


def row_scores(vetted: Vetted, layers: Sequence[Features], labels: Labels) -> RowScores:
    """Compare rows, as features of the same layers `(m, d)`, with the vetted samples of their labels `(m,)`.

    If a row and the vetted samples are exchangeable and residuals have one distribution in all classes, then `p <= a`
    happens with probability at most `a`. Layers count evenly: the logarithm of a distance, in units of its spread over
    all samples, is summed.
    """
    if len(layers) != len(vetted.layers) or any(len(layer) != len(labels) for layer in layers):
        raise ValueError("the layers of the vetted samples expected, with as many rows as labels")
    classes = int(max(labels.max(initial=0), vetted.labels.max(initial=0))) + 1
    counts = np.bincount(vetted.labels, minlength=classes)
    fitted = [_fit(of, rows, vetted.labels, counts) for of, rows in zip(vetted.layers, layers, strict=True)]
    scores, p = np.full(len(labels), -np.inf), np.ones(len(labels))
    judged = np.flatnonzero(counts[labels] >= FEWEST_OF_CLASS)
    size = max(1, _AT_ONCE // max(len(vetted), 1))
    for at in range(0, len(judged), size):
        some = judged[at : at + size]
        own, others = np.zeros(len(some)), np.zeros((len(vetted), len(some)))
        for layer, rows in zip(fitted, layers, strict=True):
            one, rest = _standardised(*_distances(layer, vetted.labels, counts, rows[some], labels[some]))
            own, others = own + one, others + rest
        scores[some] = own
        p[some] = (1 + (others >= own - 1e-9).sum(axis=0)) / (len(vetted) + 1)
    return RowScores(scores, p)


def _fit(vetted: Features, rows: Features, labels: Labels, counts: NDArray[np.int64]) -> _Layer:
    """The unit of each feature is taken over vetted samples and rows together, so that it knows neither from other."""
    spread = np.concatenate([vetted, rows]).std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled = vetted / spread
    means = np.zeros((len(counts), vetted.shape[1]))
    for label in np.flatnonzero(counts):
        means[label] = scaled[labels == label].mean(axis=0)
    residuals = scaled - means[labels]
    scatter = residuals.T @ residuals + SHRINKAGE * len(vetted) * np.eye(vetted.shape[1])
    return _Layer(residuals, means, np.asarray(np.linalg.inv(scatter), dtype=np.float64), spread)


def _distances(
    layer: _Layer, vetted_labels: Labels, counts: NDArray[np.int64], rows: Features, labels: Labels
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared distances of each row `(m,)`, and of the vetted samples `(n, m)`, once that row was fitted as well.

    With a row at `u` from the mean of its class of `n`, the mean moves by `u / (n + 1)` and the scatter gains
    `n / (n + 1) u uᵀ` (Sherman and Morrison 1950). A residual from a mean of `k` samples that it is one of varies
    `(k - 1) / k` times as much as the samples: distances are divided by that, or larger classes would look stranger.
    """
    away = rows / layer.spread - layer.means[labels]
    weighted = away @ layer.precision
    length = (weighted * away).sum(axis=1)
    n = counts[labels]
    share = n / (n + 1)
    gain = share / (1 + share * length)
    own = share * (length - gain * length**2)
    moved = (vetted_labels[:, None] == labels) / (n + 1)
    along = layer.residuals @ weighted.T
    before = ((layer.residuals @ layer.precision) * layer.residuals).sum(axis=1)[:, None]
    after = before - 2 * moved * along + moved**2 * length - gain * (along - moved * length) ** 2
    of_class = counts[vetted_labels][:, None] + (moved > 0)
    return own, np.maximum(after, 0.0) * of_class / np.maximum(of_class - 1, 1)


def _standardised(
    own: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms in units of their spread among the vetted samples and the row: layers of any width count alike."""
    tiny = np.finfo(np.float64).tiny
    everyone = np.log(np.concatenate([others, own[None]]) + tiny)
    middle = np.median(everyone, axis=0)
    spread = np.median(np.abs(everyone - middle), axis=0)
    everyone = (everyone - middle) / np.where(spread > 0, spread, 1.0)
    return everyone[-1], everyone[:-1]
