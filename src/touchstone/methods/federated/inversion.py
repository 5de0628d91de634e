"""Gradient inversion through a dense layer: what an update tells of the rows it was computed from.

The gradient of a unit's weights is its input times the gradient of its bias, summed over rows. Divided by the latter it
is the input itself where one row alone moved the unit, and a mixture otherwise (Phong et al. 2017, IEEE TIFS 13;
Boenisch et al. 2023, EuroS&P). Which row a reconstruction is, a list of candidates decides: the nearest of them, if it
is nearer than reconstructions of other rows happen to come to a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.federated.rules import Vector

MOST_UNITS = 64
"""Units whose ratios are looked at, spread evenly."""
CHANCE = 2e-5
"""Chance with which a row that is not in the update is taken for one that is."""


def ratios(weights: NDArray[np.float64], biases: Vector) -> NDArray[np.float64]:
    """Reconstructions `(r, d)` from an update of a layer `(units, d)` and its biases `(units,)`.

    Units whose bias did not move tell nothing.
    """
    moved = np.flatnonzero(np.abs(biases) > np.finfo(np.float32).tiny)
    moved = moved[:: -(-len(moved) // MOST_UNITS) or 1]
    found = weights[moved] / biases[moved, None]
    return np.asarray(found[np.isfinite(found).all(axis=1)])


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows `(p, d)` that a reconstruction may be, in standard deviations of each column; constant columns are out."""

    rows: NDArray[np.float64]
    middle: Vector
    spread: Vector
    varies: NDArray[np.bool_]

    def named(self, reconstructions: NDArray[np.float64]) -> dict[int, float]:
        """The candidates that are nearest to a reconstruction `(r, d)`, each with its root mean square distance."""
        if not len(reconstructions) or not self.varies.any():
            return {}
        points = np.clip(((reconstructions - self.middle) / self.spread)[:, self.varies], -1e6, 1e6)
        squares = (points**2).sum(axis=1)[:, None] + (self.rows**2).sum(axis=1) - 2 * points @ self.rows.T
        nearest = squares.argmin(axis=1)
        distances = np.sqrt(((points - self.rows[nearest]) ** 2).mean(axis=1))
        found: dict[int, float] = {}
        for row, distance in zip(nearest.tolist(), distances.tolist(), strict=True):
            found[row] = min(distance, found.get(row, np.inf))
        return found


def candidates(features: NDArray[np.float64]) -> Candidates:
    """Candidates from what the layer takes of each of them, `(p, d)`."""
    spread = features.std(axis=0)
    varies = spread > 0
    spread = np.where(varies, spread, 1.0)
    middle = features.mean(axis=0)
    return Candidates(((features - middle) / spread)[:, varies], middle, spread, varies)


def threshold(null: Sequence[Mapping[int, float]], candidates: int, chance: float = CHANCE) -> float:
    """The distance that a candidate which is not in the update comes below with at most this chance.

    `null` holds what :meth:`Candidates.named` says of updates of rows that are no candidates at all.
    """
    distances = np.sort([distance for named in null for distance in named.values()])
    allowed = int(chance * len(null) * candidates)
    return float(distances[allowed]) if len(distances) > allowed else np.inf
