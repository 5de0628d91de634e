"""Does an explanation name what the model uses? Parts are taken away in its order, and by lot.

Deletion and insertion curves (Petsiuk, Das and Saenko 2018, BMVC; Samek et al. 2017, IEEE TNNLS 28): the probability of
the explained class while parts are replaced by the baseline, most important first, or put back into it. A steep fall
counts only against the fall that any order causes, so the same curve of random orders stands beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.explanation.attribution import Attributions, Odds, chunks
from touchstone.methods.explanation.parts import Parts

LEVELS = 16
"""Most steps of a curve; parts go several at a time where there are more."""

Orders = NDArray[np.int64]
"""Parts in the order in which they go, `(n, P)`."""


def most_important_first(attributions: Attributions) -> Orders:
    """Orders `(n, P)` of descending attribution; ties as the parts come."""
    return np.argsort(-attributions, axis=1, kind="stable")


def random_orders(samples: int, parts: int, generator: np.random.Generator) -> Orders:
    """Orders by lot."""
    return generator.permuted(np.tile(np.arange(parts), (samples, 1)), axis=1)


def deletion_area(
    odds: Odds, x: Samples, y: Classes, baseline: Samples, parts: Parts, orders: Orders
) -> NDArray[np.float64]:
    """Area under the deletion curve of every sample, between 0 and 1; small is faithful."""
    return _area(odds, x, y, baseline, parts, orders, insertion=False)


def insertion_area(
    odds: Odds, x: Samples, y: Classes, baseline: Samples, parts: Parts, orders: Orders
) -> NDArray[np.float64]:
    """Area under the insertion curve of every sample, between 0 and 1; large is faithful."""
    return _area(odds, x, y, baseline, parts, orders, insertion=True)


def _area(
    odds: Odds, x: Samples, y: Classes, baseline: Samples, parts: Parts, orders: Orders, *, insertion: bool
) -> NDArray[np.float64]:
    """Trapezoidal rule over equal steps in the number of parts."""
    levels = min(parts.count, LEVELS)
    moved = np.rint(np.linspace(0, parts.count, levels + 1)).astype(np.int64)
    rank = np.argsort(orders, axis=1)
    baselines = np.broadcast_to(baseline, x.shape)
    curves = np.empty((len(x), levels + 1))
    for rows in chunks(len(x), (levels + 1) * x[0].size):
        named = rank[rows, None, :] < moved[None, :, None]
        kept = parts.elements(named if insertion else ~named)
        inputs = np.where(kept, x[rows, None], baselines[rows, None]).reshape(-1, *x.shape[1:])
        answers = odds(inputs, np.repeat(y[rows], levels + 1))
        curves[rows] = (1 / (1 + np.exp(-answers))).reshape(-1, levels + 1)
    return np.asarray(np.trapezoid(curves, moved / parts.count, axis=1))
