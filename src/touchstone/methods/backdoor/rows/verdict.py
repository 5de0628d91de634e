"""Whether a class of a training set holds more strange rows than honest rows would be, and which they are.

An attacker's rows gather in the classes that are to be the answer. The number of `m` honest rows that reach the k-th
strangest of `n` vetted samples follows a beta-binomial distribution, whatever the scores are (the precedence test of
Nelson 1963): that vetted samples are few and shared by all rows is part of the count.

Rows that a model has learnt from and samples it has not are never quite exchangeable, and who is asked to vouch for
samples collects them later and otherwise. So the hypothesis that is tested is wider: honest rows may be
:data:`~touchstone.methods.backdoor.rows.reference.SHIFT` stranger than vetted samples, their classes may be of
different widths, and :data:`TOLERATED` of a class may be anything at all. Under it a count is at most what the
beta-binomial law says, and the level holds; data that differ by more are flagged, as they must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.backdoor.conformal import benjamini_hochberg
from touchstone.methods.backdoor.rows.reference import Labels

LEVELS = (0.02, 0.05, 0.1)
"""Shares of the vetted samples at which strange rows are counted: few are seen at the first, many at the last."""
TOLERATED = 0.03
"""Share of a class that may be strange before anything is counted: no two collections of data are quite alike."""
ALPHA = 1e-3
"""Chance of flagging an honest training set, over all its classes together."""
FALSE_DISCOVERIES = 0.1
"""Expected share of honest rows among those flagged in a class."""


@dataclass(frozen=True, slots=True)
class ClassExcess:
    """One class. `strange` of its `rows` have a p-value of at most `level`, where the excess is clearest."""

    label: int
    rows: int
    strange: int
    level: float
    p: float
    """For this class, with the levels paid for."""


def class_excesses(p: NDArray[np.float64], labels: Labels, vetted: int) -> tuple[ClassExcess, ...]:
    """Count the strange rows of every label, from p-values `(m,)` that rest on so many vetted samples."""
    if not vetted:
        return ()
    ranks = sorted({max(1, int(level * (vetted + 1))) for level in LEVELS})
    return tuple(_excess(int(label), p[labels == label], ranks, vetted) for label in np.unique(labels))


def set_p_value(classes: Sequence[ClassExcess]) -> float:
    """Of the whole set: the smallest of its classes, times their number."""
    return min([1.0, *(len(classes) * one.p for one in classes)])


def flagged_classes(classes: Sequence[ClassExcess], alpha: float = ALPHA) -> list[ClassExcess]:
    """Classes with more strange rows than chance explains, at `alpha` over all of them together."""
    return [one for one in classes if one.p * len(classes) <= alpha]


def discoveries(p: NDArray[np.float64], labels: Labels, flagged: Sequence[ClassExcess]) -> NDArray[np.bool_]:
    """Rows that Benjamini and Hochberg's procedure flags within each flagged class `(m,)`."""
    found = np.zeros(len(p), dtype=np.bool_)
    for one in flagged:
        rows = np.flatnonzero(labels == one.label)
        found[rows] = benjamini_hochberg(p[rows], FALSE_DISCOVERIES)
    return found


def suspect_rows(p: NDArray[np.float64], labels: Labels, flagged: Sequence[ClassExcess]) -> NDArray[np.bool_]:
    """Rows that somebody has to look at `(m,)`: the discoveries, and the strange rows that gave a class away.

    Few vetted samples give no p-value small enough for a discovery, and still show that there is an excess. Up to
    `level` of the class's honest rows are among the strange ones.
    """
    suspects = discoveries(p, labels, flagged)
    for one in flagged:
        suspects |= (labels == one.label) & (p <= one.level)
    return suspects


def _excess(label: int, p: NDArray[np.float64], ranks: Sequence[int], vetted: int) -> ClassExcess:
    from scipy.stats import betabinom

    best = ClassExcess(label, len(p), 0, 0.0, 1.0)
    for rank in ranks:
        level = rank / (vetted + 1) + 1e-12
        strange = int((p <= level).sum())
        excess = strange - int(np.ceil(TOLERATED * len(p)))
        if excess > 0:
            chance = len(ranks) * float(betabinom.sf(excess - 1, len(p), rank, vetted + 1 - rank))
            if chance < best.p:
                best = ClassExcess(label, len(p), strange, level, chance)
    return best
