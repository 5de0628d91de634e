"""What one training run with canaries says about its privacy: a lower bound of epsilon.

Each canary was put into the training data or left out by the toss of a coin. Somebody who sees the model guesses which
(Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training run"). More right guesses than an
(epsilon, delta)-private training allows refute that epsilon. With `r` guesses even perfect guessing cannot refute more
than :func:`ceiling`, so a claim above it cannot be contradicted, whatever the training did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE

MOST = 60.0
"""Largest epsilon that is looked at: beyond it no number of guesses that fits into memory says anything."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """A lower bound of epsilon, and the most that this audit could have shown."""

    low: float
    ceiling: float
    canaries: int
    guesses: int
    right: int


def audit(
    scores: NDArray[np.float64],
    included: NDArray[np.bool_],
    delta: float,
    *,
    confidence: float = CONFIDENCE,
    rounds: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0),
) -> AuditResult:
    """Guess "included" for the highest `scores` `(m,)` and "left out" for the lowest, as many of each.

    How many guesses suit best is not known beforehand: every share in `rounds` is tried, and the error is spread evenly
    over them (Bonferroni). `scores` must not depend on `included` except through the trained model.
    """
    if scores.shape != included.shape or scores.ndim != 1 or len(scores) < 2:
        raise ValueError(f"paired scores of at least two canaries expected: {scores.shape}, {included.shape}")
    error = (1.0 - confidence) / len(rounds)
    order = np.argsort(scores, kind="stable")
    results = []
    for each in rounds:
        half = max(1, int(each * len(scores) / 2))
        right = int(included[order[-half:]].sum() + (~included[order[:half]]).sum())
        found = epsilon_low(right, 2 * half, len(scores), delta, error=error)
        results.append(
            AuditResult(found, ceiling(2 * half, len(scores), delta, error=error), len(scores), 2 * half, right)
        )
    return max(results, key=lambda result: (result.low, result.ceiling))


def ceiling(guesses: int, canaries: int, delta: float, *, error: float = 1.0 - CONFIDENCE) -> float:
    """The bound that all guesses right would give."""
    return epsilon_low(guesses, guesses, canaries, delta, error=error)


def epsilon_low(right: int, guesses: int, canaries: int, delta: float, *, error: float = 1.0 - CONFIDENCE) -> float:
    """Largest epsilon under which so many right guesses have a probability below `error`. Rounded down, never up."""
    low, high = 0.0, MOST
    if _chance(right, guesses, canaries, 0.0, delta) > error:
        return 0.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _chance(right, guesses, canaries, middle, delta) <= error else (low, middle)
    return low


def _chance(right: int, guesses: int, canaries: int, epsilon: float, delta: float) -> float:
    """Most probability of `right` or more right guesses under (epsilon, delta) privacy (theorem 5.2 there).

    Under pure privacy guesses are right as independent coins with odds `e^epsilon` at most. `delta` may be spent on
    making up for `i` missing right guesses: it buys the largest mean of the probabilities just short of `right`.
    """
    from scipy.stats import binom

    p = 1.0 / (1.0 + np.exp(-epsilon))
    pure = float(binom.sf(right - 1, guesses, p))
    short = np.cumsum(binom.pmf(np.arange(right - 1, -1, -1), guesses, p))
    bought = float((short / np.arange(1, right + 1)).max()) if right else 0.0
    return min(1.0, pure + 2.0 * canaries * delta * bought)
