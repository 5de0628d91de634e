"""Which rows have a copy in another set: nearer to it than strangers ever are.

How near is too near depends on the data: pictures drawn from one template are near one another without being copies.
So the distance to the nearest row is compared with the distance to the following ones. Around a row whose neighbours
are strangers, scattered evenly in `D` dimensions, the nearest of `k + 1` lies within the share `r` of the distance to
the last one with probability `1 - (1 - r**D)**k`. `D` is estimated from the strangers themselves (Levina and Bickel
2004, NIPS 17), and what the data do not share with that model (lattices, edges, clusters) is taken from the rows' own
set: if its small p-values are smaller than they should be, all are weakened alike (genomic control; Devlin and Roeder
1999, Biometrics 55).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

STRANGERS = 10
"""Neighbours after the nearest that show how near strangers are."""
FEWEST = STRANGERS + 2
"""Rows of a set below which nearness cannot be told from chance."""
ERROR = 0.001
"""Chance that any row at all of an independent set is taken for a copy."""
NARROW = 0.75
"""Quantile of the rows' own estimates of `1 / D`: where rows lie in fewer dimensions, chance brings them nearer."""
USUAL = 0.3
"""Share of the usual distance between nearest strangers above which no row is taken for a copy."""
FEWEST_DIMENSIONS = 4.0
"""Below them chance brings rows as near to one another as copies are, most of all where some columns are lattices."""
WEAKENED_AT = (0.05, 0.02, 0.01)
"""Tails of the rows' own set at which p-values are compared with what they should be."""
_AT_ONCE = 2**22


@dataclass(frozen=True, slots=True)
class Nearness:
    """For each row the nearest row of the other set `nearest (n,)`, how far it is, and how unlikely that is by chance.

    `p` is uniform, or larger, for rows that are strangers to the other set.
    """

    nearest: NDArray[np.int64]
    distance: NDArray[np.float64]
    p: NDArray[np.float64]
    told: bool
    """Whether copies could be told from strangers at all: not in few dimensions."""

    @property
    def copies(self) -> NDArray[np.bool_]:
        """Rows that strangers would not be as near as, with one wrong among them all at most with `ERROR`."""
        return self.p <= ERROR / max(len(self.p), 1)


def nearness(rows: Vectors, others: Vectors) -> Nearness:
    """Compare every row `(n, d)` with every other row `(m, d)`; both sets need `FEWEST` rows."""
    if min(len(rows), len(others)) < FEWEST:
        raise ValueError(f"{FEWEST} rows of each set expected: {len(rows)}, {len(others)}")
    place, distance = _neighbours(rows, others, skip_self=False)
    own = _neighbours(rows, rows, skip_self=True)[1]
    if min(_dimensions(distance), _dimensions(own)) < FEWEST_DIMENSIONS:
        return Nearness(place[:, 0], distance[:, 0], np.ones(len(rows)), told=False)
    p = _p_values(distance) ** (1.0 / _weakening(_p_values(own)))
    # Two outliers are near one another beside all other rows without being copies.
    apart = distance[:, 0] > USUAL * np.median(own[:, 0])
    return Nearness(place[:, 0], distance[:, 0], np.where(apart, 1.0, p), told=True)


def _neighbours(rows: Vectors, others: Vectors, *, skip_self: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places and distances `(n, STRANGERS + 1)` of the nearest of the others, nearest first."""
    count = STRANGERS + 1
    places = np.empty((len(rows), count), dtype=np.int64)
    distances = np.empty((len(rows), count))
    squares = np.einsum("ij,ij->i", others, others)
    step = max(1, _AT_ONCE // len(others))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        squared = squares - 2 * (some @ others.T)
        if skip_self:
            squared[np.arange(len(some)), np.arange(start, start + len(some))] = np.inf
        # The product of matrices is fast and inexact; the few nearest are measured again, exactly.
        candidates = (
            np.argpartition(squared, count, axis=1)[:, : count + 1]
            if squared.shape[1] > count + 1
            else (np.argsort(squared, axis=1)[:, :count])
        )
        exact = np.linalg.norm(others[candidates].astype(np.float64) - some[:, None], axis=2)
        order = np.argsort(exact, axis=1, kind="stable")[:, :count]
        places[start : start + step] = np.take_along_axis(candidates, order, axis=1)
        distances[start : start + step] = np.take_along_axis(exact, order, axis=1)
    return places, distances


def _dimensions(distance: NDArray[np.float64]) -> float:
    """In how many dimensions the strangers lie, where they lie in few; 0 where they coincide."""
    last, strangers = distance[:, -1], distance[:, 1:]
    apart = strangers[:, 0] > 0
    if not apart.any():
        return 0.0
    inverse = np.quantile(np.log(last[apart, None] / strangers[apart, :-1]).mean(axis=1), NARROW)
    return 1.0 / max(float(inverse), 1e-9)


def _p_values(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """How unlikely the first of each row's distances is, given the rest."""
    last = distance[:, -1]
    share = np.ones(len(distance))
    np.divide(distance[:, 0], last, out=share, where=last > 0)
    inside = np.minimum(share ** _dimensions(distance), 1.0 - 1e-16)
    return np.asarray(-np.expm1(STRANGERS * np.log1p(-inside)))


def _weakening(p: NDArray[np.float64]) -> float:
    """By what power the p-values of strangers must be weakened, from those of one set within itself."""
    surprise = -np.log(np.maximum(p, np.finfo(np.float64).tiny))
    return max(1.0, *(float(np.quantile(surprise, 1 - tail) / -np.log(tail)) for tail in WEAKENED_AT))
