"""Do two sets of data come from the same source? Column by column, and all columns together.

Column by column: the distance of Kolmogorov and Smirnov with its exact p-value, and Benjamini and Hochberg 1995 for
many of them. Together: a classifier learns on one half of both sets to tell them apart and is asked about the other
half (Lopez-Paz and Oquab 2017, ICLR; Rabanser, Günnemann and Lipton 2019, NeurIPS), so that how well it does has bounds
that assume nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, auc, auc_bounds

Columns = NDArray[np.float32]

TREES = 100


@dataclass(frozen=True, slots=True)
class Apart:
    """How well the two sets can be told apart: 0.5 is not at all, 1 is always."""

    auc: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """For each column `(d,)`: `distance` is the largest difference between the two distribution functions, 0 to 1."""

    distance: NDArray[np.float64]
    p: NDArray[np.float64]
    drifted: NDArray[np.bool_]


def column_drift(one: Columns, other: Columns, *, false_discoveries: float = 0.01) -> ColumnDrift:
    """Compare the columns of `(n, d)` and `(m, d)`; among those called drifted that share is false on average."""
    from scipy.stats import false_discovery_control, ks_2samp

    found = [ks_2samp(one[:, column], other[:, column]) for column in range(one.shape[1])]
    distance = np.array([float(each.statistic) for each in found])
    p = np.array([float(each.pvalue) for each in found])
    adjusted = false_discovery_control(p) if len(p) else p
    return ColumnDrift(distance, p, np.asarray(adjusted <= false_discoveries))


def told_apart(
    one: Columns, other: Columns, generator: np.random.Generator, *, confidence: float = CONFIDENCE
) -> Apart:
    """Learn to tell the sets apart on half of each, and count on the rest. Both need four rows or more."""
    from sklearn.ensemble import ExtraTreesClassifier

    learnt, asked = zip(*(_halves(part, generator) for part in (one, other)), strict=True)
    known = np.concatenate(learnt)
    truth = np.repeat([0, 1], [len(part) for part in learnt])
    trees = ExtraTreesClassifier(
        TREES, min_samples_leaf=3, class_weight="balanced", random_state=int(generator.integers(2**31)), n_jobs=1
    ).fit(known, truth)
    scores = [np.asarray(trees.predict_proba(part)[:, 1], dtype=np.float64) for part in asked]
    low, high = auc_bounds(scores[1], scores[0], generator, confidence=confidence)
    return Apart(auc(scores[1], scores[0]), low, high, min(len(part) for part in scores))


def _halves(rows: Columns, generator: np.random.Generator) -> tuple[Columns, Columns]:
    order = generator.permutation(len(rows))
    return rows[order[::2]], rows[order[1::2]]
