"""A fitted tree ensemble as arrays: what it answers, and the boxes of inputs within which it answers the same.

scikit-learn compares 32-bit inputs with 64-bit thresholds, so each threshold is rounded down to the 32-bit number that
splits the same inputs. Boxes then have closed 32-bit ends, and the nearest point of a box is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples

Norm = Literal["linf", "l2"]

LEAF: Final = -1
_AT_ONCE: Final = 2**22
"""Numbers worked on at once where boxes are cut."""


class UnknownEnsembleError(ValueError):
    """A model that is not made of trees alone, or of trees of a kind that is not read here."""


@dataclass(frozen=True)
class TreeEnsemble:
    """Sums of leaf values, class by class. Nodes of all trees lie in the same arrays.

    A sample goes left where its `feature` is at most the `threshold`; a leaf has feature :data:`LEAF`.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]
    roots: NDArray[np.int64]
    base: NDArray[np.float64]
    features: int

    def leaves(self, x: Samples) -> NDArray[np.int64]:
        """The leaf that each sample reaches in each tree, shape `(n, trees)`."""
        node = np.repeat(self.roots[None], len(x), axis=0)
        rows = np.arange(len(x))[:, None]
        while True:
            feature = self.feature[node]
            if (feature == LEAF).all():
                return node
            goes_left = x[rows, np.maximum(feature, 0)] <= self.threshold[node]
            following = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(feature == LEAF, node, following)

    def scores(self, x: Samples) -> NDArray[np.float64]:
        """Class scores `(n, K)`."""
        return np.asarray(self.base + self.value[self.leaves(x)].sum(axis=1))

    def labels(self, x: Samples) -> Classes:
        """Predicted classes."""
        return np.asarray(self.scores(x).argmax(axis=1), dtype=np.int64)

    @cached_property
    def boxes(self) -> tuple[Samples, Samples]:
        """Smallest and largest input of every node, both included; shape `(nodes, features)`."""
        low = np.full((len(self.feature), self.features), -np.inf, dtype=np.float32)
        high = np.full_like(low, np.inf)
        waiting = self.roots
        while waiting.size:
            inner = waiting[self.feature[waiting] != LEAF]
            left, right, feature = self.left[inner], self.right[inner], self.feature[inner]
            for child in (left, right):
                low[child], high[child] = low[inner], high[inner]
            edge = self.threshold[inner]
            high[left, feature] = np.minimum(high[left, feature], edge)
            low[right, feature] = np.maximum(low[right, feature], np.nextafter(edge, np.float32(np.inf)))
            waiting = np.concatenate([left, right])
        return low, high

    def cells(self, x: Samples) -> tuple[Samples, Samples]:
        """The box around each sample within which no tree answers otherwise."""
        low, high = np.empty_like(x), np.empty_like(x)
        size = max(1, _AT_ONCE // (len(self.roots) * self.features))
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            leaves = self.leaves(x[part])
            low[part], high[part] = self.boxes[0][leaves].max(axis=1), self.boxes[1][leaves].min(axis=1)
        return low, high


def distance(x: Samples, other: Samples, norm: Norm) -> NDArray[np.float64]:
    """How far apart samples are, along the last axis."""
    gap = np.abs(other.astype(np.float64) - x)
    return np.asarray(gap.max(axis=-1) if norm == "linf" else np.sqrt((gap**2).sum(axis=-1)))


def read_ensemble(estimator: Any) -> TreeEnsemble:
    """The trees of a fitted scikit-learn classifier, its classes in their own order.

    Decision trees, random forests, extra trees and both kinds of gradient boosting. Raises `UnknownEnsembleError`.
    """
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.tree import DecisionTreeClassifier

    if isinstance(estimator, DecisionTreeClassifier):
        trees = [_tree(estimator.tree_, 1.0)]
        return _joined(trees, np.zeros(trees[0].value.shape[1]), estimator.n_features_in_)
    if isinstance(estimator, RandomForestClassifier | ExtraTreesClassifier):
        trees = [_tree(tree.tree_, 1 / len(estimator.estimators_)) for tree in estimator.estimators_]
        return _joined(trees, np.zeros(trees[0].value.shape[1]), estimator.n_features_in_)
    if isinstance(estimator, GradientBoostingClassifier):
        if not (estimator.init_ == "zero" or type(estimator.init_).__name__ == "DummyClassifier"):
            raise UnknownEnsembleError("the boosting starts from a model of another kind")
        base = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))[0]
        rounds = [[_tree(tree.tree_, estimator.learning_rate) for tree in row] for row in estimator.estimators_]
        return _boosted(rounds, base, estimator.n_features_in_)
    if isinstance(estimator, HistGradientBoostingClassifier):
        if estimator.is_categorical_ is not None and np.any(estimator.is_categorical_):
            raise UnknownEnsembleError("the boosted trees split on categories")
        rounds = [[_histogram_tree(tree.nodes) for tree in row] for row in estimator._predictors]
        return _boosted(rounds, estimator._baseline_prediction[0], estimator.n_features_in_)
    raise UnknownEnsembleError(f"a {type(estimator).__name__} is no tree ensemble that is read here")


@dataclass(frozen=True, slots=True)
class _Tree:
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]


def _tree(tree: Any, weight: float) -> _Tree:
    inner = tree.children_left != -1
    value = tree.value[:, 0, :] * weight
    return _Tree(np.where(inner, tree.feature, LEAF), tree.threshold, tree.children_left, tree.children_right, value)


def _histogram_tree(nodes: NDArray[Any]) -> _Tree:
    feature = np.where(nodes["is_leaf"] == 1, LEAF, nodes["feature_idx"].astype(np.int64))
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    return _Tree(feature, nodes["num_threshold"], left, right, nodes["value"][:, None].astype(np.float64))


def _boosted(rounds: list[list[_Tree]], base: NDArray[np.float64], features: int) -> TreeEnsemble:
    """Every tree scores one class; with two classes only the second is scored."""
    per_round = len(rounds[0])
    classes = max(per_round, 2)
    trees = []
    for row in rounds:
        for column, tree in enumerate(row):
            value = np.zeros((len(tree.value), classes))
            value[:, 1 if per_round == 1 else column] = tree.value[:, 0]
            trees.append(_Tree(tree.feature, tree.threshold, tree.left, tree.right, value))
    return _joined(trees, np.array([0.0, base[0]]) if per_round == 1 else np.asarray(base, np.float64), features)


def _joined(trees: list[_Tree], base: NDArray[np.float64], features: int) -> TreeEnsemble:
    starts = np.cumsum([0, *(len(tree.feature) for tree in trees)])
    return TreeEnsemble(
        feature=np.concatenate([tree.feature for tree in trees]).astype(np.int64),
        threshold=_rounded_down(np.concatenate([tree.threshold for tree in trees])),
        left=np.concatenate([tree.left + start for tree, start in zip(trees, starts, strict=False)]),
        right=np.concatenate([tree.right + start for tree, start in zip(trees, starts, strict=False)]),
        value=np.concatenate([tree.value for tree in trees]),
        roots=starts[:-1],
        base=base,
        features=features,
    )


def _rounded_down(exact: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    return np.where(rounded > exact, np.nextafter(rounded, np.float32(-np.inf)), rounded)
