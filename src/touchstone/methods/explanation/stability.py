"""How much an explanation changes when what it explains does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.explanation.attribution import Attributions


def rank_correlation(first: Attributions, second: Attributions) -> NDArray[np.float64]:
    """Spearman's correlation over the parts, per sample `(n,)`, ties sharing their mean rank.

    An explanation that tells no part from another correlates with nothing: 0.
    """
    from scipy.stats import rankdata

    ranks = [rankdata(each, axis=1) for each in (first, second)]
    a, b = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    norms = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    found = np.divide((a * b).sum(axis=1), norms, out=np.zeros(len(a)), where=norms > 0)
    return np.asarray(found.clip(-1.0, 1.0))


def relative_change(attributions: Attributions, moved: Attributions) -> NDArray[np.float64]:
    """Length of the change against the length of the attribution, per sample `(n,)`.

    The largest over several disturbances is the maximum sensitivity (Yeh et al. 2019, NeurIPS). An explanation of
    zeros that stays so has not changed.
    """
    length = np.linalg.norm(attributions, axis=1)
    change = np.linalg.norm(moved - attributions, axis=1)
    unknown = np.where(change > 0, np.inf, 0.0)
    return np.asarray(np.divide(change, length, out=unknown, where=length > 0))


def top_parts(attributions: Attributions, count: int) -> NDArray[np.bool_]:
    """The `count` parts of largest attribution of every sample, as a mask `(n, P)`."""
    order = np.argsort(-attributions, axis=1, kind="stable")[:, :count]
    chosen = np.zeros(attributions.shape, dtype=bool)
    np.put_along_axis(chosen, order, values=True, axis=1)
    return chosen


def top_overlap(first: Attributions, second: Attributions, count: int) -> NDArray[np.float64]:
    """Share of the `count` top parts that both name, per sample `(n,)`."""
    return np.asarray((top_parts(first, count) & top_parts(second, count)).sum(axis=1) / count)
