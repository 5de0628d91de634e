"""Intervals and sequential looks, used by checks and judge alike.

Bounds are one-sided and exact where an exact method exists: a verdict rests on them, a picture does not.
"""

from __future__ import annotations

CONFIDENCE = 0.95
"""One-sided confidence of every bound that a verdict compares with a limit."""

LOOKS = (25, 50, 100, 200, 400, 700, 1000)
"""Sample counts at which a sequential test may stop. The error is spent evenly over them (Bonferroni)."""


def proportion_bounds(successes: int, n: int, *, confidence: float = CONFIDENCE, looks: int = 1) -> tuple[float, float]:
    """One-sided Clopper-Pearson bounds of a proportion, each valid at `confidence` over all `looks` together.

    Clopper and Pearson 1934, Biometrika 26. No sample gives the trivial bounds (0, 1).
    """
    from scipy.special import betaincinv

    if n == 0:
        return 0.0, 1.0
    error = (1.0 - confidence) / looks
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, error))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - error))
    return low, high
