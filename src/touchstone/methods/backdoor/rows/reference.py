"""How strange a row is among vetted samples of its label, and how seldom an honest row is as strange.

One Gaussian for each class with a common, shrunk covariance (Lee et al. 2018), on several layers of features. A row is
strange where its own class is far, and the more so where another class is near: in the earlier of two layers a planted
row still looks like the class it was taken from.

Each vetted sample is left out in turn, compared with Gaussians fitted to all the others, and ranked with the row (the
jackknife; Barber et al. 2021, Annals of Statistics 49). So ten samples of a class are as honest as ten thousand, where
samples that the fit has seen would make every new row surprising. A rank-one update of the inverse covariance does
this for all of them at the cost of one fit. A sample left out is judged by one sample fewer than a row is, and looks a
little stranger for it: small p-values come a little less often than they say, not more.

Two things make honest rows strange without anyone having planted them, and both are allowed for. Some classes are
wider than others: what a class's own vetted samples lie above the others is taken off, theirs and the rows'. And no
two collections of data are alike, least of all what a model has learnt from and what it has not: every row may lie
:data:`SHIFT` farther out than vetted samples do, before it counts as strange at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
"""`(n, d)`."""
Labels = NDArray[np.int64]
Numbers = NDArray[np.float64]

SHRINKAGE = 0.1
"""Added to each variance, in units of the spread of that feature over vetted samples and rows together."""
FEWEST_OF_CLASS = 2
"""Vetted samples of a class below which its rows cannot be compared with anything."""
SHIFT = 0.5
"""How much stranger than vetted samples honest rows may be, in median deviations of the score of one layer."""
SAMPLES_OF_EVERY_CLASS = 5
"""A class counts as one with so many more vetted samples, as strange as those of all classes are: ten are too few to
say how wide a class is by themselves."""
MOST_OF_SAMPLE = 4.0
"""Farthest from the middle that one vetted sample counts as when the width of its class is taken."""
_AT_ONCE = 2**22
"""Distances held at one time."""
_TINY = float(np.finfo(np.float64).tiny)


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
    """`score` `(m,)` is higher for stranger rows; `p` `(m,)` is one where a label has too few vetted samples.

    The score says how strange a row is, whatever its class; the p-value how seldom rows of its class are as strange.
    """

    score: Numbers
    p: Numbers


@dataclass(frozen=True, slots=True)
class Gaussians:
    """One for each class, in one layer. Means and precision are in units of `spread`."""

    spread: Numbers
    means: Features
    """`(K, d)`, not a number for a class without samples."""
    counts: Labels
    """Samples of each class."""
    residuals: Features
    """Of the samples from the means of their classes `(n, d)`."""
    precision: Features

    def distances(self, x: Features) -> Numbers:
        """Squared, from every class `(n, K)`; infinite for a class without samples.

        They are divided by how much a new sample's residual from a mean of so many varies: the means of small classes
        are no farther away for being uncertain.
        """
        x = x / self.spread
        of_means = self.means @ self.precision
        squared = ((x @ self.precision) * x).sum(axis=1)[:, None] - 2 * x @ of_means.T
        squared += (of_means * self.means).sum(axis=1)
        return np.asarray(np.nan_to_num(np.maximum(squared, 0.0) * self.counts / (self.counts + 1), nan=np.inf))

    def distances_left_out(self, labels: Labels) -> Numbers:
        """The same of the samples themselves, each from Gaussians fitted to all the others `(n, K)`.

        Without a residual `r` of a class of `k` samples, its mean moves by `r / (k - 1)` and the scatter loses
        `k / (k - 1) r rᵀ` (Sherman and Morrison 1950). Every class must have two samples or none.
        """
        n = len(labels)
        weighted = self.residuals @ self.precision
        length = (weighted * self.residuals).sum(axis=1)
        share = (self.counts / np.maximum(self.counts - 1, 1))[labels]
        gain = share / n / (1 - share * length / n)
        own_means = self.means[labels]
        x = (self.residuals + own_means) * self.spread
        along = length[:, None] + (own_means * weighted).sum(axis=1)[:, None] - weighted @ self.means.T
        moved = gain[:, None] * along**2 * self.counts / (self.counts + 1)
        found = self.distances(x) + np.nan_to_num(moved, nan=np.inf)
        found[np.arange(n), labels] = share * length / (1 - share * length / n)
        return np.asarray(found)


def fit(x: Features, labels: Labels, classes: int, spread: Numbers) -> Gaussians:
    """To samples `(n, d)` with labels `(n,)` below `classes`; a feature without spread keeps its own unit."""
    spread = np.where(spread > 0, spread, 1.0)
    x = x / spread
    means = np.full((classes, x.shape[1]), np.nan)
    for label in np.unique(labels):
        means[label] = x[labels == label].mean(axis=0)
    residuals = x - means[labels]
    covariance = residuals.T @ residuals / len(x) + SHRINKAGE * np.eye(x.shape[1])
    precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    return Gaussians(spread, means, np.bincount(labels, minlength=classes), residuals, precision)


def strangeness(distances: Numbers, labels: Labels) -> Numbers:
    """Of samples with squared distances from every class `(n, K)` and labels `(n,)`: far from their own, near another.

    Logarithms, so that samples a hundred times too far do not hide those twice too far. With one class alone there is
    no other to be near.
    """
    rows = np.arange(len(labels))
    own = np.log(distances[rows, labels] + _TINY)
    others = distances.copy()
    others[rows, labels] = np.inf
    nearest = others.min(axis=1)
    return np.asarray(2 * own - np.log(np.where(np.isfinite(nearest), nearest, 1.0) + _TINY))


def row_scores(vetted: Vetted, layers: Sequence[Features], labels: Labels, *, shift: float = SHIFT) -> RowScores:
    """Compare rows, as features of the same layers `(m, d)`, with the vetted samples of their labels `(m,)`.

    If honest rows are at most `shift` stranger than vetted samples, and how strange they are has one distribution in
    all classes but for its middle, then `p <= a` happens to an honest row with probability `a` or a little less.
    Layers count evenly: strangeness in units of its spread over the vetted samples is summed.
    """
    if len(layers) != len(vetted.layers) or any(len(layer) != len(labels) for layer in layers):
        raise ValueError("the layers of the vetted samples expected, with as many rows as labels")
    classes = int(max(labels.max(initial=0), vetted.labels.max(initial=0))) + 1
    vetted = vetted[np.bincount(vetted.labels, minlength=classes)[vetted.labels] >= FEWEST_OF_CLASS]
    counts = np.bincount(vetted.labels, minlength=classes)
    scores, p = np.full(len(labels), -np.inf), np.ones(len(labels))
    judged = np.flatnonzero(counts[labels] > 0)
    if not len(judged):
        return RowScores(scores, p)
    own, others = np.zeros(len(judged)), np.zeros(len(vetted))
    for of, rows in zip(vetted.layers, layers, strict=True):
        one, rest = _of_layer(of, vetted.labels, rows, labels, judged, classes)
        own, others = own + one, others + rest
    scores[judged] = own
    own, others = _beside_their_class(own, labels[judged], others, vetted.labels, classes)
    stranger = len(others) - np.searchsorted(np.sort(others), own - shift - 1e-9)
    p[judged] = (1 + stranger) / (len(others) + 1)
    return RowScores(scores, p)


def _of_layer(
    of: Features, vetted_labels: Labels, rows: Features, labels: Labels, judged: NDArray[np.int64], classes: int
) -> tuple[Numbers, Numbers]:
    """Strangeness of the judged rows and of the vetted samples left out, in median deviations of the latter.

    The unit of each feature is taken over vetted samples and rows together, so that it knows neither from other.
    """
    fitted = fit(of, vetted_labels, classes, np.concatenate([of, rows]).std(axis=0))
    others = strangeness(fitted.distances_left_out(vetted_labels), vetted_labels)
    size = max(1, _AT_ONCE // max(classes, of.shape[1]))
    portions = [judged[at : at + size] for at in range(0, len(judged), size)]
    own = np.concatenate([strangeness(fitted.distances(rows[some]), labels[some]) for some in portions])
    middle = np.median(others)
    spread = float(np.median(np.abs(others - middle))) or 1.0
    return (own - middle) / spread, (others - middle) / spread


def _beside_their_class(
    own: Numbers, labels: Labels, others: Numbers, vetted_labels: Labels, classes: int
) -> tuple[Numbers, Numbers]:
    """Scores less what the vetted samples of the class lie above all vetted samples; a sample counts not for itself."""
    above = np.clip(others - np.median(others), -MOST_OF_SAMPLE, MOST_OF_SAMPLE)
    total = np.bincount(vetted_labels, above, classes)
    counts = np.bincount(vetted_labels, minlength=classes) + SAMPLES_OF_EVERY_CLASS
    left_out = (total[vetted_labels] - above) / (counts[vetted_labels] - 1)
    return own - (total / counts)[labels], others - left_out
