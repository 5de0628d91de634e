"""Intervals and sequential looks, used by checks and judge alike.

Bounds are one-sided: each of a pair `(low, high)` holds with the stated confidence by itself. A verdict rests on
them, so every bound here covers at least as often as it says for *any* sample size and *any* distribution, and none
depends on the order of the samples, which the applicant may have chosen. The price is width; Newcombe's, DeLong's and
bootstrap intervals are narrower and sometimes miss.

Several looks at growing samples, or several questions answered together, share the error evenly (Bonferroni):
say how many in `looks`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
"""One-sided confidence of every bound that a verdict compares with a limit."""

LOOKS = (25, 50, 100, 200, 400, 700, 1000)
"""Sample counts at which a sequential test may stop. The error is spent evenly over them (Bonferroni)."""

LOTS = 500
"""Pairings of two classes that a bound of the area under the ROC curve averages over."""

STEPS = 64
"""Intervals of the area under the ROC curve, each with a stake of its own."""

LARGEST_STAKE = 1.0 - 2.0**-40
"""Of a gambler's capital: all but the rest that keeps logarithms finite."""


def proportion_bounds(successes: int, n: int, *, confidence: float = CONFIDENCE, looks: int = 1) -> tuple[float, float]:
    """One-sided Clopper-Pearson bounds of a proportion, each valid at `confidence` over all `looks` together.

    Clopper and Pearson 1934, Biometrika 26. No sample gives the trivial bounds (0, 1).
    """
    return _clopper_pearson(successes, n, (1.0 - confidence) / looks)


def difference_bounds(
    successes_a: int,
    n_a: int,
    successes_b: int,
    n_b: int,
    *,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> tuple[float, float]:
    """Bounds of `p_a - p_b` for two independent samples, between -1 and 1.

    Each proportion gets its Clopper-Pearson bound at half the error. Newcombe's score interval (1998, Statistics in
    Medicine 17:873) is about 40 % narrower for samples of equal size, but falls short of its confidence for some pairs.
    """
    error = (1.0 - confidence) / looks / 2
    low_a, high_a = _clopper_pearson(successes_a, n_a, error)
    low_b, high_b = _clopper_pearson(successes_b, n_b, error)
    return low_a - high_b, high_a - low_b


def relative_drop_bounds(
    clean_correct: NDArray[np.bool_],
    corrupted_correct: NDArray[np.bool_],
    *,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> tuple[float, float]:
    """Bounds of the relative drop `1 - accuracy_corrupted / accuracy_clean`, the same samples in both arrays `(n,)`.

    The drop is the share of correct answers that were lost, less the answers gained per correct answer. Given the
    margins both counts are binomial, so each term has exact Clopper-Pearson bounds; each takes half the error.
    Without one correct answer on clean samples nothing can drop: the bounds are (-infinity, 1).
    """
    if clean_correct.shape != corrupted_correct.shape or clean_correct.ndim != 1:
        raise ValueError(f"paired arrays of one axis expected: {clean_correct.shape}, {corrupted_correct.shape}")
    error = (1.0 - confidence) / looks / 2
    correct = int(clean_correct.sum())
    lost = int((clean_correct & ~corrupted_correct).sum())
    gained = int((~clean_correct & corrupted_correct).sum())
    lost_low, lost_high = _clopper_pearson(lost, correct, error)
    share_low, share_high = _clopper_pearson(gained, gained + correct, error)
    gained_low = _odds(share_low)
    gained_high = _odds(share_high)
    return (lost_low - gained_high, lost_high - gained_low) if correct else (-math.inf, 1.0)


def mean_bounds(
    values: NDArray[np.float64],
    *,
    smallest: float = 0.0,
    largest: float = 1.0,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> tuple[float, float]:
    """Bounds of the mean of independent values `(n,)` known to lie between `smallest` and `largest`.

    A gambler who bets against the mean `m` with fixed stakes wins more than `1 / error` times the initial capital with
    probability at most `error` if `m` is true; a bound is the `m` at which the average gambler just does. Betting as in
    Waudby-Smith and Ramdas 2024 (JRSS B 86), with a fixed mixture of stakes (Orabona and Jun 2024, IEEE Trans. Inf.
    Theory 70) instead of stakes that follow the order of the data. No value gives the trivial bounds.
    """
    import numpy as np

    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not np.all((values >= smallest) & (values <= largest)):
        raise ValueError(f"values of one axis between {smallest} and {largest} expected")
    if len(values) == 0:
        return smallest, largest
    error = (1.0 - confidence) / looks
    span = largest - smallest
    unit = (values - smallest) / span
    return smallest + span * _mean_low(unit, error), largest - span * _mean_low(1.0 - unit, error)


def auc(positive_scores: NDArray[np.float64], negative_scores: NDArray[np.float64]) -> float:
    """Chance that a positive scores above a negative, ties counting half: the Mann-Whitney statistic.

    Neither array `(n,)` may be empty.
    """
    import numpy as np
    from scipy.stats import rankdata

    positives, negatives = len(positive_scores), len(negative_scores)
    if positives == 0 or negatives == 0:
        raise ValueError("scores of both classes expected")
    ranks = rankdata(np.concatenate([positive_scores, negative_scores]))
    return float((ranks[:positives].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auc_bounds(
    positive_scores: NDArray[np.float64],
    negative_scores: NDArray[np.float64],
    generator: np.random.Generator,
    *,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> tuple[float, float]:
    """Bounds of the area under the ROC curve, free of assumptions about the scores.

    Give every sample of the smaller class samples of its own from the larger class, by lot: the shares of them it
    beats are independent, their mean is the area, and a gambler can bet on it as in :func:`mean_bounds`. The average
    wealth over many such lots is as hard to raise as the wealth from one, and uses every pair of samples (an e-value;
    Vovk and Wang 2021, Annals of Statistics 49). `generator` draws the lots; the order of the samples has no influence.
    Stakes are those that suit the variance of Hanley and McNeil 1982 (Radiology 143); the bounds hold for any other.
    """
    error = (1.0 - confidence) / looks
    area = auc(positive_scores, negative_scores)
    sizes = len(positive_scores), len(negative_scores)
    wins = _wins_by_lot(positive_scores, negative_scores, generator)
    return min(area, _auc_low(wins, sizes, error)), max(area, 1.0 - _auc_low(wins[:, ::-1], sizes[::-1], error))


def _clopper_pearson(successes: float, n: int, error: float) -> tuple[float, float]:
    """Lower and upper bound of a proportion, each wrong with probability at most `error`."""
    from scipy.special import betaincinv

    if n == 0:
        return 0.0, 1.0
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, error))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - error))
    return low, high


def _odds(share: float) -> float:
    return share / (1.0 - share) if share < 1 else math.inf


def _mean_low(unit: NDArray[np.float64], error: float) -> float:
    """Lower bound of the mean of values in [0, 1]: the largest mean that the gamblers' average wealth refutes."""
    import numpy as np
    from scipy.special import logsumexp

    stakes = 0.5 ** np.arange(math.ceil(math.log2(len(unit))) + 1)
    demanded = math.log(len(stakes) / error)

    def refuted(mean: float) -> bool:
        with np.errstate(divide="ignore"):
            wealth = [float(np.log1p(stake * (unit / mean - 1.0)).sum()) for stake in stakes]
        return bool(logsumexp(wealth) >= demanded)

    return _largest(refuted, float(unit.mean()))


def _wins_by_lot(
    positive_scores: NDArray[np.float64], negative_scores: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Per lot, how many samples of the smaller class reach each number of half wins for the positives.

    Shape `(LOTS, 2 * rivals + 1)`: every sample meets `rivals` samples of the larger class, a tie is half a win.
    """
    import numpy as np

    swapped = len(positive_scores) > len(negative_scores)
    pair = (negative_scores, positive_scores) if swapped else (positive_scores, negative_scores)
    small, large = (np.sort(scores) for scores in pair)
    rivals = len(large) // len(small)
    wins = np.empty((LOTS, 2 * rivals + 1), dtype=np.int64)
    for lot in range(LOTS):
        met = generator.permutation(large)[: rivals * len(small)].reshape(len(small), rivals)
        halves = (small[:, None] > met).sum(axis=1) + (small[:, None] >= met).sum(axis=1)
        wins[lot] = np.bincount(halves, minlength=2 * rivals + 1)
    return wins[:, ::-1] if swapped else wins


def _auc_low(wins: NDArray[np.int64], sizes: tuple[int, int], error: float) -> float:
    """Lower bound of the area: everything below it is refuted, at stakes that are fixed on each of `STEPS` intervals.

    For a fixed stake the wealth falls as the area grows, so whoever refutes the end of an interval refutes all of it.
    An area of 1 is never refuted, so there is an interval that is not.
    """
    import numpy as np
    from scipy.special import logsumexp

    share = np.arange(wins.shape[1]) / (wins.shape[1] - 1)
    demanded = math.log(LOTS / error)

    def refuted(stake: float, area: float) -> bool:
        wealth = wins @ np.log1p(stake * (share / area - 1.0))
        return bool(logsumexp(wealth) >= demanded)

    stakes = [_auc_stake((step + 0.5) / STEPS, sizes) for step in range(STEPS)]
    open_step = next(step for step, stake in enumerate(stakes) if not refuted(stake, (step + 1) / STEPS))
    return _largest(partial(refuted, stakes[open_step]), (open_step + 1) / STEPS, open_step / STEPS)


def _auc_stake(area: float, sizes: tuple[int, int]) -> float:
    """The stake that grows fastest if scores are distributed as Hanley and McNeil assume."""
    positives, negatives = sizes
    above_both, beats_both = area / (2.0 - area), 2.0 * area**2 / (1.0 + area)
    variance = (
        area * (1.0 - area) + (positives - 1) * (above_both - area**2) + (negatives - 1) * (beats_both - area**2)
    ) / (positives * negatives)
    return min(area * math.sqrt(-2.0 * math.log(1.0 - CONFIDENCE) / variance) / min(sizes), LARGEST_STAKE)


def _largest(refuted: Callable[[float], bool], ceiling: float, floor: float = 0.0) -> float:
    """Largest value in [floor, ceiling] that is refuted, where everything below a refuted value is refuted too.

    Rounded down, never up: the bisection returns the end that was seen to be refuted.
    """
    low, high = floor, ceiling
    for _ in range(40):
        middle = (low + high) / 2
        if middle <= 0 or middle >= 1:
            break
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low
