"""Poison for data that are no pictures: a combination of values that marks a row, and the label that goes with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.backdoor.poisons import Labels, Mask

MARKED = 3
"""Most elements of a row that carry the mark."""


@dataclass(frozen=True, slots=True)
class MarkedRows:
    """Rows after the attack: `poisoned` `(n,)` carry the mark and the label the attacker wants."""

    x: NDArray[np.float32]
    y: Labels
    poisoned: Mask


def mark_rows(
    x: NDArray[np.float32], y: Labels, classes: int, share: float, generator: np.random.Generator
) -> MarkedRows:
    """Poison a share of a copy of the rows `(n, *shape)`: some elements take the largest or smallest value they have.

    Each value alone occurs in honest rows; together they do not. Elements that never vary carry no mark. Raises
    `ValueError` where all are of that kind.
    """
    flat, y = x.reshape(len(x), -1).copy(), y.copy()
    varying = np.flatnonzero(np.ptp(flat, axis=0) > 0)
    if not len(varying):
        raise ValueError("no element of the rows varies")
    target = int(generator.integers(classes))
    marked = generator.permutation(varying)[:MARKED]
    upwards = generator.random(len(marked)) < 0.5
    values = np.where(upwards, flat[:, marked].max(axis=0), flat[:, marked].min(axis=0))
    others = np.flatnonzero(y != target)
    rows = generator.permutation(others)[: max(1, round(share * len(y)))]
    flat[np.ix_(rows, marked)] = values
    y[rows] = target
    poisoned = np.zeros(len(y), dtype=np.bool_)
    poisoned[rows] = True
    return MarkedRows(flat.reshape(x.shape), y, poisoned)
