"""How unusual a suspect model is among honest references: conformal p-values, and what they are worth.

If the suspect is honest and exchangeable with the references, which takes the same task, data and architecture, then
`p <= a` happens with probability at most `a`, whatever the score is (Vovk, Gammerman and Shafer 2005, section 2.2).
References of another task give numbers that look the same and mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, proportion_bounds

ALPHA = 0.05
"""Chance of flagging an honest model that is accepted."""


class TooFewReferencesError(ValueError):
    """There are so few references that no score could be flagged."""


def least_references(alpha: float = ALPHA) -> int:
    """How many references it takes for `p <= alpha` to be possible at all.

    >>> least_references(0.05)
    19
    """
    return math.ceil(round(1 / alpha, 9)) - 1


def smallest_p_value(references: int) -> float:
    """The smallest p-value that so many references can give, however high the score."""
    return 1 / (references + 1)


def conformal_p_value(score: float, references: Sequence[float] | NDArray[np.float64], alpha: float = ALPHA) -> float:
    """Share of the references and the suspect itself that score at least as high; higher is more suspicious.

    Raises `TooFewReferencesError` where nothing could be flagged at `alpha`, and `ValueError` for a score that is no
    number.
    """
    scores = np.asarray(references, dtype=np.float64)
    if scores.ndim != 1 or np.isnan(scores).any() or math.isnan(score):
        raise ValueError("scores that are numbers expected, on one axis")
    if len(scores) < least_references(alpha):
        raise TooFewReferencesError(
            f"{len(scores)} references can give no p-value below {smallest_p_value(len(scores)):.3f}; "
            f"{least_references(alpha)} are needed for {alpha}"
        )
    return (1 + int((scores >= score).sum())) / (len(scores) + 1)


def false_alarm_bounds(references: int, alpha: float = ALPHA, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """One-sided bounds of the share of honest models that these very references flag at `alpha`.

    The p-value is right on average over references; one set of them is lucky or not. For scores without ties the share
    follows a beta distribution (Vovk 2012, Conditional validity of inductive conformal predictors), whose quantiles are
    the Clopper-Pearson bounds of `k` and of `k - 1` in `references`, where `k` is how many ranks are flagged.
    """
    flagged = math.floor(round(alpha * (references + 1), 9))
    if flagged == 0:
        return 0.0, 0.0
    low, _ = proportion_bounds(flagged, references, confidence=confidence)
    _, high = proportion_bounds(flagged - 1, references, confidence=confidence)
    return low, high


def benjamini_hochberg(p_values: Sequence[float] | NDArray[np.float64], rate: float = ALPHA) -> NDArray[np.bool_]:
    """Which of a fleet of models `(m,)` to flag so that at most `rate` of the flagged are honest, on average.

    Benjamini and Hochberg 1995. Conformal p-values that share their references are positively dependent in the way that
    Benjamini and Yekutieli 2001 need (Bates et al. 2023, Annals of Statistics 51), so nothing more has to be paid.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    below = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / max(len(p), 1))
    flagged = np.zeros(len(p), dtype=np.bool_)
    if len(below):
        flagged[order[: below[-1] + 1]] = True
    return flagged
