"""Shapley values of a model that only answers, sampled without bias and with the error that is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.explanation.attribution import Attributions, Odds, chunks
from touchstone.methods.explanation.contrast import Starts
from touchstone.methods.explanation.parts import Parts


@dataclass(frozen=True, slots=True)
class ShapleyValues:
    """Estimates and their standard errors, both `(n, P)`."""

    values: Attributions
    errors: Attributions


def shapley_values(
    odds: Odds,
    x: Samples,
    y: Classes,
    starts: Starts,
    parts: Parts,
    generator: np.random.Generator,
    pairs: int = 8,
) -> ShapleyValues:
    """Interventional Shapley values by sampling permutations (Štrumbelj and Kononenko 2014, KAIS 41).

    Parts enter an input drawn from `starts` one after another in the order of a permutation and then in the
    reverse order (antithetic; Mitchell et al. 2022, JMLR 23). Every sample costs `2 * pairs * P + pairs + 1` answers at
    most. In sum the values are exactly the log-odds less the mean of those of the inputs drawn. At least two pairs.
    """
    if pairs < 2:
        raise ValueError("a standard error takes two pairs at least")
    drawn = np.empty((pairs, len(x), parts.count))
    for pair in range(pairs):
        orders = generator.permuted(np.tile(np.arange(parts.count), (len(x), 1)), axis=1)
        start = starts(generator)
        for rows in chunks(len(x), (parts.count + 1) * x[0].size):
            there = _entering(odds, x[rows], y[rows], start[rows], parts, orders[rows])
            back = _entering(odds, x[rows], y[rows], start[rows], parts, orders[rows, ::-1])
            drawn[pair, rows] = (there + back) / 2
    return ShapleyValues(drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / np.sqrt(pairs))


def _entering(
    odds: Odds, x: Samples, y: Classes, start: Samples, parts: Parts, orders: NDArray[np.int64]
) -> Attributions:
    """What each part adds when it enters after those before it in `orders` `(n, P)`."""
    rank = np.argsort(orders, axis=1)
    present = rank[:, None, :] < np.arange(parts.count + 1)[None, :, None]
    inputs = np.where(parts.elements(present), x[:, None], start[:, None]).reshape(-1, *x.shape[1:])
    answers = odds(inputs, np.repeat(y, parts.count + 1)).reshape(len(x), -1)
    return np.asarray(np.take_along_axis(np.diff(answers, axis=1), rank, axis=1))
