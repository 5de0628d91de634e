"""Who belongs to which group: the values of an attribute as numbers, so that a million people are counted at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FEW: Final = 64
"""Up to so many different values are looked for one after the other, which is faster than sorting them."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One attribute of `n` people: its values in order, and for each person `(n,)` which of them it is."""

    names: tuple[str, ...]
    of: NDArray[np.int64]


def membership(values: NDArray[np.str_]) -> Membership:
    """Number the values `(n,)` of an attribute."""
    unordered = np.full(len(values), -1, dtype=np.int64)
    found: list[np.str_] = []
    while (missing := unordered < 0).any() and len(found) < FEW:
        value = values[int(np.argmax(missing))]
        unordered[values == value] = len(found)
        found.append(value)
    if missing.any():
        names, of = np.unique(values, return_inverse=True)
        return Membership(tuple(str(name) for name in names), of.reshape(-1).astype(np.int64))
    order = sorted(range(len(found)), key=lambda number: found[number])
    place = np.empty(len(found), dtype=np.int64)
    place[order] = np.arange(len(found))
    return Membership(tuple(str(found[number]) for number in order), place[unordered])


def crossed(memberships: Sequence[Membership]) -> tuple[NDArray[np.int64], tuple[tuple[str, ...], ...]]:
    """Which combination of values each person `(n,)` has, and all combinations, in order of the first value first.

    Combinations that nobody has are numbered too.
    """
    code = np.zeros(len(memberships[0].of), dtype=np.int64)
    names: list[tuple[str, ...]] = [()]
    for each in memberships:
        code = code * len(each.names) + each.of
        names = [(*before, name) for before in names for name in each.names]
    return code, tuple(names)
