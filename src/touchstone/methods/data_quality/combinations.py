"""How much of a domain data cover: each value of each dimension, and each pair of values of two dimensions.

Combination coverage of Kuhn, Mendoza, Kacker and Lei 2013 (IEEE ICST Workshops), NIST SP 800-142: most failures need no
more than two conditions to meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1
"""Code of a value that was not declared."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of each of one or two dimensions, and how many rows have it."""

    values: tuple[tuple[str, str], ...]
    rows: int


def cells(codes: Mapping[str, NDArray[np.int64]], values: Mapping[str, tuple[str, ...]], ways: int) -> tuple[Cell, ...]:
    """All combinations of values of that many dimensions, seen or not.

    `codes` say for each row which of its dimension's values it has, `OUTSIDE` for none of them.
    """
    found = []
    for dimensions in combinations(values, ways):
        sizes = tuple(len(values[name]) for name in dimensions)
        inside = np.logical_and.reduce([codes[name] != OUTSIDE for name in dimensions])
        counts = np.bincount(
            np.ravel_multi_index(tuple(codes[name][inside] for name in dimensions), sizes),
            minlength=int(np.prod(sizes)),
        )
        for place, count in enumerate(counts):
            at = np.unravel_index(place, sizes)
            pairs = tuple((name, values[name][int(index)]) for name, index in zip(dimensions, at, strict=True))
            found.append(Cell(pairs, int(count)))
    return tuple(found)
