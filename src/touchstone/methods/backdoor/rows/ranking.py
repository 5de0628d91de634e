"""Training rows in an order for people to look at, where no sample is vetted. Evidence, never a verdict.

Each of the scores sees some attacks and is blind to others (spectral signatures have an area under the ROC curve near
0.5 for some patches); none has a threshold that holds for honest data. So all are given, and none decides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.backdoor.rows.reference import Features, Labels

DIRECTIONS = 8
"""Directions of a class's features that are looked at, as robust whitening needs more rows than directions."""
TRIMMED = 0.15
"""Share of the rows farthest out that is left out of a robust fit."""
ROUNDS = 4
NEIGHBOURS = 10
COMPONENTS = 40
"""Principal components of raw inputs in which neighbours are sought."""
_AT_ONCE = 2**22


def spectral_whitening(features: Features, labels: Labels) -> NDArray[np.float64]:
    """How far each row of features `(n, d)` lies out in its class, in units of the spread of the rows inside `(n,)`.

    After SPECTRE (Hayase et al. 2021, ICML) with a trimmed in place of their robust covariance: the rows farthest out
    are left out and the spread is taken again, so that planted rows do not set the measure they are taken with.
    """
    return _by_class(features, labels, _whitened)


def smaller_cluster(features: Features, labels: Labels) -> NDArray[np.float64]:
    """How clearly each row belongs to the smaller of two clusters of its class `(n,)`.

    After activation clustering (Chen et al. 2018), with how far in it lies instead of which side it is on.
    """
    return _by_class(features, labels, _clustered)


def neighbour_disagreement(inputs: Features, labels: Labels) -> NDArray[np.float64]:
    """Share of each raw input's nearest neighbours that have another label `(n,)`. Needs no model."""
    reduced = _principal(inputs, COMPONENTS)
    lengths = (reduced**2).sum(axis=1)
    nearest = min(NEIGHBOURS, len(labels) - 1)
    if nearest < 1:
        return np.zeros(len(labels))
    found = np.empty(len(labels))
    size = max(1, _AT_ONCE // len(labels))
    for first in range(0, len(labels), size):
        rows = np.arange(first, min(first + size, len(labels)))
        squared = lengths - 2 * reduced[rows] @ reduced.T
        squared[np.arange(len(rows)), rows] = np.inf
        neighbours = np.argpartition(squared, nearest - 1, axis=1)[:, :nearest]
        found[rows] = (labels[neighbours] != labels[rows][:, None]).mean(axis=1)
    return found


def mean_rank(*scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Several scores as one order: the mean of their ranks, between 0 and 1."""
    from scipy.stats import rankdata

    return np.asarray(np.mean([rankdata(score) / len(score) for score in scores], axis=0))


def _by_class(
    features: Features, labels: Labels, score: Callable[[Features], NDArray[np.float64]]
) -> NDArray[np.float64]:
    found = np.zeros(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 2 * DIRECTIONS:
            found[rows] = score(features[rows])
    return found


def _whitened(features: Features) -> NDArray[np.float64]:
    kept = np.arange(len(features))
    for _ in range(ROUNDS):
        middle = np.median(features[kept], axis=0)
        _, _, directions = np.linalg.svd(features[kept] - middle, full_matrices=False)
        along = (features - middle) @ directions[:DIRECTIONS].T
        away = along - along[kept].mean(axis=0)
        spread = away[kept].T @ away[kept] / len(kept)
        spread += 1e-6 * max(float(np.trace(spread)), np.finfo(float).tiny) * np.eye(len(spread))
        length = np.asarray(((away @ np.linalg.inv(spread)) * away).sum(axis=1))
        kept = np.argsort(length)[: max(2 * DIRECTIONS, round((1 - TRIMMED) * len(features)))]
    return length


def _clustered(features: Features) -> NDArray[np.float64]:
    from scipy.cluster.vq import kmeans2

    reduced = _principal(features, DIRECTIONS)
    first = reduced[np.argsort(reduced[:, 0])[[0, -1]]]
    centres, which = kmeans2(reduced, first, minit="matrix", missing="warn")
    away = np.linalg.norm(reduced[:, None] - centres, axis=2)
    smaller = int(np.bincount(which, minlength=2).argmin())
    return np.asarray(away[:, 1 - smaller] - away[:, smaller])


def _principal(x: Features, components: int) -> Features:
    centred = x - x.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ directions[:, np.argsort(values)[::-1][:components]])
