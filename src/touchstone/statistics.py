"""Intervals and sequential looks, used by checks and judge alike.

Bounds are one-sided: each of a pair `(low, high)` holds with the stated confidence by itself. A verdict rests on
them, so every bound here but :func:`bootstrap_bounds` covers at least as often as it says for *any* sample size and
*any* distribution, and none depends on the order of the samples, which the applicant may have chosen.
The price is width; Newcombe's, DeLong's and bootstrap intervals are narrower and sometimes miss.

Several looks at growing samples, or several questions answered together, share the error evenly (Bonferroni):
say how many in `looks`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
"""One-sided confidence of every bound that a verdict compares with a limit."""

LOOKS = (25, 50, 100, 200, 400, 700, 1000)
"""Sample counts at which a sequential test may stop. The error is spent evenly over them (Bonferroni)."""

MOST_SAMPLES = 10**9
"""Beyond this, :func:`samples_to_decide` calls a question undecidable."""


def proportion_bounds(successes: int, n: int, *, confidence: float = CONFIDENCE, looks: int = 1) -> tuple[float, float]:
    """One-sided Clopper-Pearson bounds of a proportion, each valid at `confidence` over all `looks` together.

    Clopper and Pearson 1934, Biometrika 26. No sample gives the trivial bounds (0, 1).
    """
    return _clopper_pearson(successes, n, (1.0 - confidence) / looks)


def sequential_bounds(successes: int, n: int, look_count: int = len(LOOKS)) -> tuple[float, float]:
    """Bounds of a proportion when the test may stop at any of `look_count` sample sizes fixed beforehand."""
    return proportion_bounds(successes, n, looks=look_count)


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


def ratio_bounds(
    successes_a: int,
    n_a: int,
    successes_b: int,
    n_b: int,
    *,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> tuple[float, float]:
    """Bounds of `p_a / p_b` for two independent samples, by Clopper-Pearson bounds at half the error each.

    The upper bound is infinite when no success in `b` leaves room for `p_b = 0`.
    """
    error = (1.0 - confidence) / looks / 2
    low_a, high_a = _clopper_pearson(successes_a, n_a, error)
    low_b, high_b = _clopper_pearson(successes_b, n_b, error)
    return low_a / high_b, high_a / low_b if low_b > 0 else math.inf


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
    *,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> tuple[float, float]:
    """Bounds of the area under the ROC curve, free of assumptions about the scores.

    The statistic averages over all ways to pair the smaller class with the larger one, and each such pairing is a mean
    of `min(n_positive, n_negative)` independent values; Hoeffding's bound in its relative-entropy form carries over
    (Hoeffding 1963, JASA 58, theorem 1 and section 5). DeLong's interval is narrower, but has no width at all when the
    classes happen to be separated, which is when a verdict needs it most.
    """
    error = (1.0 - confidence) / looks
    area = auc(positive_scores, negative_scores)
    pairs = min(len(positive_scores), len(negative_scores))
    return _entropy_low(area, pairs, error), 1.0 - _entropy_low(1.0 - area, pairs, error)


def bootstrap_bounds(
    statistic: Callable[[NDArray[np.int64]], float],
    n: int,
    generator: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> tuple[float, float]:
    """Percentile bootstrap bounds of a statistic of `n` samples, which is handed the indices of each resample.

    Approximate: Efron 1979 (Annals of Statistics 7). Use it where no bound with guaranteed coverage exists, not for
    extremes or for statistics whose estimate is biased.
    """
    import numpy as np

    error = (1.0 - confidence) / looks
    replicates = np.array([statistic(generator.integers(0, n, size=n)) for _ in range(resamples)])
    low, high = np.quantile(replicates, [error, 1.0 - error])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values adjusted for being asked together, in the order given.

    Holm 1979, Scandinavian Journal of Statistics 6.
    """
    count = len(p_values)
    adjusted = [0.0] * count
    reached = 0.0
    for place, index in enumerate(sorted(range(count), key=lambda index: p_values[index])):
        reached = max(reached, min(1.0, (count - place) * p_values[index]))
        adjusted[index] = reached
    return tuple(adjusted)


def samples_to_decide(
    rate: float,
    limit: float,
    op: Literal[">=", "<="],
    *,
    confidence: float = CONFIDENCE,
    looks: int = 1,
) -> int | None:
    """Roughly how many samples settle whether a proportion meets a limit, should the observed rate persist.

    Settled means that the pessimistic Clopper-Pearson bound meets the limit or the optimistic one misses it.
    `None` when the rate sits on the limit, or so close to it that 10^9 samples would not do.
    """
    error = (1.0 - confidence) / looks

    def decided(n: int) -> bool:
        low, high = _clopper_pearson(rate * n, n, error)
        return (low >= limit or high < limit) if op == ">=" else (high <= limit or low > limit)

    enough = 1
    while not decided(enough):
        enough *= 2
        if enough > MOST_SAMPLES:
            return None
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        too_few, enough = (too_few, middle) if decided(middle) else (middle, enough)
    return enough


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


def _entropy_low(mean: float, n: int, error: float) -> float:
    """Largest `m <= mean` with `n * KL(mean || m) >= log(1 / error)`, KL between coins that show heads so often."""
    from scipy.special import rel_entr

    demanded = -math.log(error) / n

    def refuted(m: float) -> bool:
        return bool(rel_entr(mean, m) + rel_entr(1.0 - mean, 1.0 - m) >= demanded)

    return _largest(refuted, mean)


def _largest(refuted: Callable[[float], bool], ceiling: float) -> float:
    """Largest value in [0, ceiling] that is refuted, where everything below a refuted value is refuted too.

    Rounded down, never up: the bisection returns the end that was seen to be refuted.
    """
    low, high = 0.0, ceiling
    for _ in range(40):
        middle = (low + high) / 2
        if middle <= 0 or middle >= 1:
            break
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low
