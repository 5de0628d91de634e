"""Whether two rows that are equal are copies, or merely common: a form with three boxes comes back alike by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ERROR = 0.01
"""Chance that any row at all is called a copy although it is merely equal by chance."""
MOST_COLUMNS = 32
"""Columns looked at: those with most distinct values. Leaving columns out makes equality look likelier, never rarer."""


def beyond_chance(rows: NDArray[np.float32], others: int) -> NDArray[np.bool_]:
    """Rows `(n,)` that one of so many independent rows would hardly be equal to: if it is, it is a copy."""
    return np.asarray(chance_of_equality(rows) * others * len(rows) <= ERROR)


def chance_of_equality(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """For each row `(n, d)` the estimated probability `(n,)` that an independent row is equal to it.

    A chain of columns, each given the one before it that foretells it best, with frequencies from all other rows. A
    combination that was never seen takes the frequency of agreement given agreement elsewhere, so that columns that
    are functions of one another count once.
    """
    n = len(rows)
    codes = _distinct(rows)
    if n < 2 or not codes.shape[1]:
        return np.ones(n)
    chance = np.ones(n)
    for place in range(codes.shape[1]):
        column = codes[:, place]
        alone = (_others_alike(column) + 0.5) / n
        chosen = alone
        strongest = -1.0
        for earlier in range(place):
            given = codes[:, earlier]
            like = _others_alike(given)
            both = _others_alike(_pairs(given, column))
            seen = like > 0
            agreement = float((both[seen] / like[seen]).mean()) if seen.any() else 0.0
            if agreement > strongest:
                strongest = agreement
                unseen = np.maximum(alone, agreement)
                chosen = (both + unseen) / (like + 1.0)
        chance *= np.maximum(chosen, 1e-12)
    return chance


def _distinct(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """Columns as codes, those with fewest values first, without constants."""
    flat = rows.reshape(len(rows), -1)
    coded = [np.unique(flat[:, column], return_inverse=True)[1] for column in _varied(flat)]
    coded = sorted((code for code in coded if code.max() > 0), key=lambda code: int(code.max()))[-MOST_COLUMNS:]
    return np.stack(coded, axis=1) if coded else np.empty((len(rows), 0), dtype=np.int64)


def _varied(flat: NDArray[np.float32]) -> NDArray[np.int64]:
    """A few hundred columns at most, evenly spaced: neighbouring pixels say the same."""
    return np.unique(np.linspace(0, flat.shape[1] - 1, min(flat.shape[1], 256)).astype(np.int64))


def _others_alike(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.bincount(codes)[codes] - 1)


def _pairs(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.unique(one * (int(other.max()) + 1) + other, return_inverse=True)[1])
