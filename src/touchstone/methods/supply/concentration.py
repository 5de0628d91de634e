"""How much hangs on few: the Herfindahl-Hirschman index.

Source: Herfindahl 1950; Hirschman 1964, American Economic Review 54(5):761.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction


def herfindahl(holders: Iterable[Collection[str]]) -> Fraction:
    """Sum of squared shares, from near 0 (many) to 1 (one). An item with several holders counts to each in part."""
    weights: dict[str, Fraction] = {}
    for several in holders:
        for holder in several:
            weights[holder] = weights.get(holder, Fraction()) + Fraction(1, len(several))
    total = sum(weights.values(), Fraction())
    return sum((weight**2 for weight in weights.values()), Fraction()) / total**2 if total else Fraction()
