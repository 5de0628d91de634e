"""How many labels of a data set are wrong, from answers of models that did not learn from the rows they answer.

After confident learning (Northcutt, Jiang and Chuang 2021, JAIR 70). Wrong labels say nothing about a backdoor, and a
backdoor little about wrong labels: planted rows are what the model answers most confidently. The two are never mixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.backdoor.rows.reference import Features, Labels
from touchstone.statistics import proportion_bounds

FOLDS = 5
NEIGHBOURS = 15


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """`margin` `(n,)` is by how much another class is more probable than the given label.

    `rate` is the share of rows whose label is confidently contradicted, less the share that is on rows known to be
    right; `low` and `high` are one-sided bounds of it.
    """

    margin: NDArray[np.float64]
    contradicted: NDArray[np.bool_]
    rate: float
    low: float
    high: float


def out_of_fold_probabilities(
    features: Features, labels: Labels, classes: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Class probabilities `(n, K)` of each row by neighbours in other folds, in units of each feature's spread."""
    spread = features.std(axis=0)
    scaled = features / np.where(spread > 0, spread, 1.0)
    fold = generator.permutation(np.arange(len(labels)) % FOLDS)
    found = np.full((len(labels), classes), 1.0 / classes)
    for one in range(FOLDS):
        asked, known = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        if len(asked) and len(known):
            found[asked] = neighbour_probabilities(scaled[known], labels[known], scaled[asked], classes)
    return found


def neighbour_probabilities(known: Features, labels: Labels, asked: Features, classes: int) -> NDArray[np.float64]:
    """Share of each class among the nearest of the known rows, with one further neighbour spread over all classes."""
    nearest = min(NEIGHBOURS, len(known))
    found = np.empty((len(asked), classes))
    for at in range(0, len(asked), 512):
        some = asked[at : at + 512]
        squared = (known**2).sum(axis=1) - 2 * some @ known.T
        rows = np.argpartition(squared, nearest - 1, axis=1)[:, :nearest]
        votes = (labels[rows][:, :, None] == np.arange(classes)).sum(axis=1)
        found[at : at + 512] = (votes + 1.0 / classes) / (nearest + 1)
    return found


def label_noise(
    probabilities: NDArray[np.float64],
    labels: Labels,
    known: tuple[NDArray[np.float64], Labels] | None = None,
    *,
    confidence: float = 0.95,
) -> LabelNoise:
    """Judge labels `(n,)` by out-of-fold probabilities `(n, K)`.

    A label is contradicted where another class is at least as probable as it usually is for rows of that class, and
    more probable than the given label. `known` are probabilities and labels of vetted samples, asked in the same way:
    how often right labels are contradicted. Without them that share counts as zero, and the rate is an upper estimate.
    """
    classes = probabilities.shape[1]
    usual = np.array(
        [probabilities[labels == one, one].mean() if (labels == one).any() else 1.0 for one in range(classes)]
    )
    margin, contradicted = _contradicted(probabilities, labels, usual)
    wrong, mistaken = int(contradicted.sum()), (0, 0)
    if known is not None:
        mistaken = int(_contradicted(*known, usual)[1].sum()), len(known[1])
    error = 1 - (1 - confidence) / 2
    low, high = proportion_bounds(wrong, len(labels), confidence=error)
    base_low, base_high = proportion_bounds(*mistaken, confidence=error) if mistaken[1] else (0.0, 0.0)
    base = mistaken[0] / mistaken[1] if mistaken[1] else 0.0
    share = wrong / max(len(labels), 1)
    rate, low, high = (max(0.0, each) for each in (share - base, low - base_high, high - base_low))
    return LabelNoise(margin, contradicted, rate, low, high)


def _contradicted(
    probabilities: NDArray[np.float64], labels: Labels, usual: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rows = np.arange(len(labels))
    own = probabilities[rows, labels]
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    margin = others.max(axis=1) - own
    return margin, np.asarray(((others >= usual) & (others > own[:, None])).any(axis=1))
