"""How many labels are wrong: rows whose label is contradicted by models that did not learn from them.

After confident learning (Northcutt, Jiang and Chuang 2021, JAIR 70), with other counts. How many labels are
contradicted says nothing until it is known what share of wrong labels is, and what share of right ones: the first is
measured by turning labels round and learning again, the second on labels that somebody vouches for. From which margin
on a label counts as contradicted is chosen on half of the labels turned round; the other half is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import auc, proportion_bounds

Labels = NDArray[np.int64]

FOLDS = 5
TREES = 100
TURNED = 0.1
"""Share of labels turned round to measure how many of them are found."""
COST = 5.0
"""What contradicting a share of the other labels counts against finding the same share: wrong labels are rare."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What became of labels turned round on purpose: `found` of `n`, and how far all of them rank above the others.

    A label is contradicted where its margin is above `threshold`.
    """

    found: int
    n: int
    auc: float
    threshold: float


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """The estimated share of wrong labels with one-sided bounds, and what it was made of."""

    rate: float
    low: float
    high: float
    margin: NDArray[np.float64]
    """By how much another class is more probable than the given one, `(n,)`."""
    contradicted: NDArray[np.bool_]


def out_of_fold(
    features: Any, labels: Labels, classes: int, generator: np.random.Generator, kind: Literal["numbers", "texts"]
) -> NDArray[np.float64]:
    """Class probabilities `(n, K)` by models that learnt from the other folds.

    For numbers `(n, d)`, trees drawn at random and a linear model, averaged where both know something: each is
    weighted by how probable it finds the given labels. For texts, a linear model of runs of characters.
    """
    from sklearn.base import clone

    folds = _folds(labels, generator)
    learners = _learners(kind, int(generator.integers(2**31)))
    answers = np.full((len(learners), len(labels), classes), 1.0 / classes)
    for fold in range(FOLDS):
        asked, known = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if len(asked) == 0 or len(np.unique(labels[known])) < 2:
            continue
        for place, learner in enumerate(learners):
            model = clone(learner).fit(features[known], labels[known])
            answers[place][np.ix_(asked, model.classes_)] = model.predict_proba(features[asked])
            answers[place][np.ix_(asked, np.setdiff1d(np.arange(classes), model.classes_))] = 0.0
    probable = answers[:, np.arange(len(labels)), labels]
    weight = np.exp(
        np.log(np.maximum(probable, 0.01)).sum(axis=1) - np.log(np.maximum(probable, 0.01)).sum(axis=1).max()
    )
    return np.asarray(np.tensordot(weight / weight.sum(), answers, axes=1))


def turn_round(labels: Labels, classes: int, generator: np.random.Generator) -> tuple[Labels, NDArray[np.bool_]]:
    """The labels with a share of them exchanged for another class by lot, and which."""
    turned = np.zeros(len(labels), dtype=np.bool_)
    turned[generator.permutation(len(labels))[: max(2, round(TURNED * len(labels)))]] = True
    shift = generator.integers(1, classes, size=len(labels))
    return np.where(turned, (labels + shift) % classes, labels), turned


def margins(probabilities: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """By how much the most probable other class is more probable than the given one, `(n,)`."""
    rows = np.arange(len(labels))
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    return np.asarray(others.max(axis=1) - probabilities[rows, labels])


def found_of_turned(probabilities: NDArray[np.float64], labels: Labels, turned: NDArray[np.bool_]) -> Turned:
    """How many labels turned round are contradicted; `probabilities` are those learnt from the turned labels."""
    margin = margins(probabilities, labels)
    known, counted = margin[turned][::2], margin[turned][1::2]
    others = np.sort(margin[~turned])
    possible = np.sort(margin)
    found = 1.0 - np.searchsorted(np.sort(known), possible, side="right") / len(known)
    mistaken = 1.0 - np.searchsorted(others, possible, side="right") / len(others)
    threshold = max(0.0, float(possible[np.argmax(found - COST * mistaken)]))
    return Turned(int((counted > threshold).sum()), len(counted), auc(margin[turned], margin[~turned]), threshold)


def label_errors(
    probabilities: NDArray[np.float64],
    labels: Labels,
    turned: Turned,
    vouched: NDArray[np.bool_] | None = None,
    *,
    confidence: float = 0.95,
) -> LabelErrors:
    """Judge labels `(n,)` by out-of-fold probabilities `(n, K)`.

    `vouched` marks rows whose labels somebody vouches for: their contradicted share is what right labels show, and the
    estimate is of the others. Without them that share may be anything up to all that is seen: the estimate is an upper
    one and the lower bound zero. Each of the shares takes a part of the error.
    """
    margin = margins(probabilities, labels)
    contradicted = margin > turned.threshold
    judged = np.ones(len(labels), dtype=np.bool_) if vouched is None else ~vouched
    each = 1.0 - (1.0 - confidence) / 3
    seen = int(contradicted[judged].sum()), int(judged.sum())
    seen_low, seen_high = proportion_bounds(*seen, confidence=each)
    found_low, _ = proportion_bounds(turned.found, turned.n, confidence=each)
    right, right_low, right_high = 0.0, 0.0, 1.0
    if vouched is not None and vouched.any():
        mistaken = int(contradicted[vouched].sum()), int(vouched.sum())
        right = mistaken[0] / mistaken[1]
        right_low, right_high = proportion_bounds(*mistaken, confidence=each)
    return LabelErrors(
        rate=_solved(seen[0] / max(seen[1], 1), turned.found / turned.n, right),
        low=max(0.0, seen_low - right_high),
        high=_solved(seen_high, found_low, right_low),
        margin=margin,
        contradicted=contradicted,
    )


def _solved(seen: float, wrong: float, right: float) -> float:
    """The share of wrong labels that explains what is seen: `seen = share * wrong + (1 - share) * right`."""
    if seen <= right:
        return 0.0
    return min(1.0, (seen - right) / (wrong - right)) if wrong > right else 1.0


def _folds(labels: Labels, generator: np.random.Generator) -> NDArray[np.int64]:
    """Folds by lot that hold each class in equal parts."""
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), dtype=np.int64)
    folds[order] = np.arange(len(labels)) % FOLDS
    return folds


def _learners(kind: Literal["numbers", "texts"], seed: int) -> list[Any]:
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "texts":
        runs = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), max_features=20_000, sublinear_tf=True)
        return [make_pipeline(runs, LogisticRegression(C=10.0, max_iter=300))]
    trees = ExtraTreesClassifier(TREES, min_samples_leaf=3, random_state=seed, n_jobs=1)
    return [trees, make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=300))]
