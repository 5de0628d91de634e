"""Where values are missing: how often, and whether it falls evenly on the groups of rows.

A value that is missing at random costs precision. One that is missing more often for one group, one site or one class
carries that group, site or class into the model (Rubin 1976, "Inference and missing data"), and a column that a site
never records means that the sites' data are fragments that do not fit together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.multiplicity import holm

FEWEST = 10
"""Rows of a group below which no statement about it is tried."""


@dataclass(frozen=True, slots=True)
class Unevenness:
    """One column that may be missing more often (or less) in one group than elsewhere."""

    column: str
    attribute: str
    value: str
    missing: int
    rows: int
    missing_elsewhere: int
    rows_elsewhere: int
    p: float
    """Fisher's exact test, two-sided, before any correction."""
    believed: bool
    """Whether it stands after Holm's correction over all columns and groups."""

    @property
    def share(self) -> float:
        """Share of the group's rows that lack the value."""
        return self.missing / self.rows

    @property
    def share_elsewhere(self) -> float:
        """Share of all other rows that lack it."""
        return self.missing_elsewhere / self.rows_elsewhere


def unevenness(
    missing: NDArray[np.bool_], columns: Sequence[str], attributes: Mapping[str, NDArray[np.str_]], error: float
) -> list[Unevenness]:
    """Compare each group of rows with all others in each column of `missing (n, columns)` that lacks any value.

    `attributes` maps what divides the rows (group, site, class) to its value in each row `(n,)`. With probability
    `error` at most, any comparison is believed although values are missing independently of all attributes. Groups of
    fewer than `FEWEST` rows, or with as few rows elsewhere, are left out.
    """
    from scipy.stats import fisher_exact

    found: list[tuple[str, str, str, int, int, int, int, float]] = []
    for column, lacks in zip(columns, missing.T, strict=True):
        if not lacks.any():
            continue
        for attribute, values in attributes.items():
            for value in np.unique(values):
                here = values == value
                rows, rows_elsewhere = int(here.sum()), int((~here).sum())
                if min(rows, rows_elsewhere) < FEWEST:
                    continue
                inside, elsewhere = int(lacks[here].sum()), int(lacks[~here].sum())
                table = [[inside, rows - inside], [elsewhere, rows_elsewhere - elsewhere]]
                p = float(fisher_exact(table).pvalue)
                found.append((column, attribute, str(value), inside, rows, elsewhere, rows_elsewhere, p))
    believed = holm(np.array([each[-1] for each in found], dtype=np.float64), error)
    return [Unevenness(*each, believed=bool(stands)) for each, stands in zip(found, believed, strict=True)]
