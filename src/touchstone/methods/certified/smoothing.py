"""Randomised smoothing: whether the smoothed classifier keeps its answer within a fixed L2 radius.

The smoothed classifier answers what the model answers most often under Gaussian noise of deviation sigma. Where it
gives the class `y` with probability p > 1/2, no change shorter than sigma * PPF(p) turns it (Cohen, Rosenfeld and
Kolter 2019, "Certified adversarial robustness via randomized smoothing", ICML). For a fixed radius r that is the
question whether p > CDF(r / sigma), which a few samples settle unless p is near: exact one-sided Clopper-Pearson
bounds at looks of growing size. Half of the error, for each side, is kept for the last look, where the hard cases are
decided; the others share the rest.

The certificate is about the smoothed classifier, which the customer would have to deploy, not about the model itself.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import proportion_bounds

FIRST_LOOK: Final = 25
GROWTH: Final = 2.0
FIXED_SAMPLES: Final = 100_000
"""What the paper spends on every sample, and the last look here."""
ERROR: Final = 0.001
"""The paper's chance of a wrong certificate."""

Answers = Callable[[NDArray[np.float32]], NDArray[np.int64]]
Decision = Literal["certified", "not certified", "abstain"]


@dataclass(frozen=True, slots=True)
class Plan:
    """When to look, and the counts that decide there."""

    demanded: float
    """Probability of the own class above which the radius is certified."""
    looks: NDArray[np.int64]
    enough: NDArray[np.int64]
    """Fewest agreeing answers that certify at each look."""
    too_few: NDArray[np.int64]
    """Most agreeing answers that rule a certificate out at each look; -1: none does."""

    @classmethod
    def for_radius(
        cls, radius: float, sigma: float, *, error: float = ERROR, most: int = FIXED_SAMPLES, looks: int | None = None
    ) -> Plan:
        """For an L2 radius under noise of deviation `sigma`; each side is wrong with probability at most `error`.

        `looks=1` looks once, after `most` samples.
        """
        if not (radius > 0 and sigma > 0):
            raise ValueError("radius and sigma above zero expected")
        demanded = 0.5 * math.erfc(-radius / sigma / math.sqrt(2))
        sizes = [most]
        while sizes[0] / GROWTH >= FIRST_LOOK and (looks is None or len(sizes) < looks):
            sizes.insert(0, int(sizes[0] / GROWTH))
        early = error / 2 / max(len(sizes) - 1, 1)
        shares = [*[early] * (len(sizes) - 1), error / 2 if len(sizes) > 1 else error]
        deciding = [_deciding(size, demanded, share) for size, share in zip(sizes, shares, strict=True)]
        enough, too_few = zip(*deciding, strict=True)
        return cls(demanded, np.array(sizes), np.array(enough), np.array(too_few))

    def decide(self, look: int, agreeing: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Who is certified and who cannot be, after the given look."""
        return agreeing >= self.enough[look], agreeing <= self.too_few[look]


def _deciding(size: int, demanded: float, error: float) -> tuple[int, int]:
    """The deciding counts, by halving: bounds grow with the count."""

    def fewest(holds: Callable[[int], bool]) -> int:
        low, high = 0, size + 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(middle) else (middle + 1, high)
        return low

    def bounds(count: int) -> tuple[float, float]:
        return proportion_bounds(count, size, confidence=1 - error)

    certifies = fewest(lambda count: count > size or bounds(count)[0] > demanded)
    return certifies, fewest(lambda count: count > size or bounds(count)[1] >= demanded) - 1


@dataclass(frozen=True, slots=True)
class Smoothed:
    """What was decided about each sample, and from how many noisy answers."""

    decisions: tuple[Decision, ...]
    samples: NDArray[np.int64]
    agreeing: NDArray[np.int64]

    @property
    def certified(self) -> NDArray[np.bool_]:
        """Shape `(n,)`."""
        return np.array([decision == "certified" for decision in self.decisions], dtype=bool)


def certify_smoothed(
    answers: Answers,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    *,
    radius: float,
    sigma: float,
    seed: int,
    ids: NDArray[np.int64],
    error: float = ERROR,
    most: int = FIXED_SAMPLES,
    batch: int = 1000,
) -> Smoothed:
    """Decide for every sample `x` of class `y` whether the smoothed classifier answers `y` within `radius`.

    `answers` gives one class per input. Noise comes from the seed and the sample's own id, so that a sample's decision
    does not depend on its neighbours; noisy inputs may leave the legal range, as in the paper.
    """
    plan = Plan.for_radius(radius, sigma, error=error, most=most)
    agreeing, taken = np.zeros(len(x), dtype=np.int64), np.zeros(len(x), dtype=np.int64)
    decisions: list[Decision] = ["abstain"] * len(x)
    dice = [_generator(seed, int(row)) for row in ids]
    still = np.arange(len(x))
    for look, size in enumerate(plan.looks):
        for row in still:
            agreeing[row] += _agreeing(answers, x[row], int(y[row]), sigma, dice[row], int(size - taken[row]), batch)
            taken[row] = size
        yes, no = plan.decide(look, agreeing[still])
        for row in still[yes]:
            decisions[row] = "certified"
        for row in still[no]:
            decisions[row] = "not certified"
        still = still[~(yes | no)]
        if not len(still):
            break
    return Smoothed(tuple(decisions), taken, agreeing)


def _agreeing(
    answers: Answers, x: NDArray[np.float32], y: int, sigma: float, dice: np.random.Generator, count: int, batch: int
) -> int:
    total = 0
    for first in range(0, count, batch):
        noise = dice.standard_normal((min(batch, count - first), *x.shape), dtype=np.float32)
        total += int((answers(x + np.float32(sigma) * noise) == y).sum())
    return total


def _generator(seed: int, row: int) -> np.random.Generator:
    entropy = hashlib.sha256(f"{seed}/smoothing/{row}".encode()).digest()[:16]
    return np.random.Generator(np.random.SFC64(int.from_bytes(entropy, "big")))
