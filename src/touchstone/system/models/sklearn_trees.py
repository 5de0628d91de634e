"""Bounds of decision trees, checked before scikit-learn walks them.

scikit-learn follows the child and feature indices of a fitted tree without looking whether they lie inside its
arrays, so a forged tree reads memory that is not its own. Trees are therefore left out of skops' list of safe
types; here they are let in again once every index in them was compared with the arrays it points into.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

MOST_OBJECTS = 5_000_000


def unsafe_tree(estimator: Any) -> str | None:
    """What is wrong with a tree held anywhere in `estimator`, or `None` when all are safe to walk."""
    for tree, width in _trees(estimator):
        if width is None:
            return "a tree belongs to no estimator"
        fault = _fault(tree, width)
        if fault is not None:
            return fault
    return None


def _trees(root: Any) -> Iterator[tuple[Any, int | None]]:
    """Every tree below `root`, with the number of features its owner checks inputs for."""
    from sklearn.ensemble._forest import BaseForest
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
    from sklearn.tree._tree import Tree

    unchecked = (BaseForest, BaseGradientBoosting, BaseHistGradientBoosting)
    # An object reached on two ways may be bounded differently on each, so that what was seen includes the bound.
    seen: set[tuple[int, int | None]] = set()
    waiting: list[tuple[Any, int | None]] = [(root, None)]
    while waiting:
        found, width = waiting.pop()
        if (id(found), width) in seen or isinstance(found, str | bytes | int | float | None):
            continue
        seen.add((id(found), width))
        if len(seen) > MOST_OBJECTS:
            yield found, None
            return
        if isinstance(found, Tree | TreePredictor):
            yield found, width
        elif isinstance(found, dict):
            waiting += [(item, width) for item in found.values()]
        elif isinstance(found, list | tuple | set | frozenset):
            waiting += [(item, width) for item in found]
        elif isinstance(found, np.ndarray):
            waiting += [(item, width) for item in found.flat] if found.dtype == object else []
        elif hasattr(found, "__dict__"):
            own = getattr(found, "n_features_in_", None)
            if hasattr(found, "tree_") and own is not None:  # ensembles hand inputs to it without another check
                own = own if width is None else min(own, width)
            elif not isinstance(found, unchecked):
                own = None
            waiting += [(item, own) for item in vars(found).values()]


def _fault(tree: Any, width: int) -> str | None:
    from sklearn.tree._tree import Tree

    if isinstance(tree, Tree):
        nodes = tree.__getstate__()["nodes"]
        left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
        inner = left != -1
    else:
        nodes = tree.nodes
        left, right, feature = (nodes[name].astype(np.int64) for name in ("left", "right", "feature_idx"))
        inner = nodes["is_leaf"] == 0
        if (nodes["is_categorical"][inner] != 0).any():
            return "a boosted tree splits on categories"
    own = np.arange(len(nodes))[inner]
    for children in (left[inner], right[inner]):
        # A child stands after its parent in every tree scikit-learn grows; this also rules out a walk without end.
        if (children <= own).any() or (children >= len(nodes)).any():
            return "a tree points outside itself"
    if (feature[inner] < 0).any() or (feature[inner] >= width).any() or len(nodes) == 0:
        return "a tree asks for a feature that is not there"
    return None
