"""Does the optimiser step do what the privacy claim says it does?

A harness hands the step per-example gradients it made itself and sees the noised sum that comes back. Half of the
coordinates are *silent*: no gradient touches them, so they show the noise and nothing else. The others are *canaries*:
each example points along one of its own, far longer than the clipping norm, so what arrives there is the norm that was
really clipped to. Which are which is drawn by lot. The sampler, where there is one, is asked for as many batches.

Shown is whether the *instrumented step* conforms to the claimed mechanism. That is no proof of an epsilon: the step
that trained the model may have been another one, and code that recognises a test can behave while it lasts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import proportion_bounds

Array = NDArray[np.float64]
Step = Callable[[Array], Array]
"""Per-example gradients `(b, d)` in, the noised sum of the clipped gradients `(d,)` out (a sum, not a mean)."""
Sampler = Callable[[], NDArray[np.int64]]
"""Which of `n` records the next batch consists of: their indices."""
Fault = Literal["noise", "clipping", "repeated-noise", "shared-noise", "sampling-rate", "unequal-rates", "not-poisson"]

FALSE_ALARMS = 0.01
"""Chance that a step that conforms is accused of anything at all."""
TESTS, TESTS_OF_SAMPLER = 4, 4
"""What the false alarms are spread over (Bonferroni)."""
LONGER = 20.0
"""Norm of each canary's gradient, in clipping norms."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The mechanism as it was declared. `sampling_rate` is of use only with a sampler."""

    noise_multiplier: float
    clipping_norm: float
    sampling_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Conformance:
    """Measured values with bounds, and what contradicts the claim.

    Each bound holds with a confidence of one less `FALSE_ALARMS` divided by the number of tests.
    """

    noise_multiplier: tuple[float, float, float]
    """Estimate, lower and upper bound; relative to the claimed clipping norm."""
    clipping_norm: tuple[float, float, float]
    sampling_rate: tuple[float, float, float] | None
    faults: tuple[Fault, ...]
    steps: int

    @property
    def conforms(self) -> bool:
        """Whether nothing contradicts the claim in the direction that weakens privacy."""
        return not self.faults


def conformance(
    step: Step,
    claimed: Claimed,
    generator: np.random.Generator,
    *,
    sampler: Sampler | None = None,
    records: int = 0,
    steps: int = 100,
    coordinates: int = 200,
    batch: int = 50,
) -> Conformance:
    """Run the step `steps` times on gradients of our own making, and compare what comes back with the claim.

    `records` is what `sampler` draws from. Only deviations that weaken privacy are faults: less noise, a larger norm,
    noise that repeats over steps or is shared among coordinates, a higher rate, batches of another law. Raises
    `ValueError` for a step that answers anything but `coordinates` finite numbers.
    """
    if coordinates < 2 * batch:
        raise ValueError(f"{batch} canaries and as many silent coordinates do not fit into {coordinates}")
    order = generator.permutation(coordinates)
    canaries, silent = order[:batch], order[batch:]
    scale = claimed.noise_multiplier * claimed.clipping_norm
    answers = np.stack([_answer(step, canaries, coordinates, claimed, generator) for _ in range(steps)])
    noise = answers[:, silent] / scale
    arrived = answers[:, canaries]
    error = FALSE_ALARMS / (TESTS + (0 if sampler is None else TESTS_OF_SAMPLER))

    ratio = _deviation(noise, error)
    norm = _mean(arrived, scale * ratio[2], error)
    steady = noise / ratio[2]
    suspicions: dict[Fault, bool] = {
        "noise": ratio[2] < 1.0,
        "clipping": norm[1] > claimed.clipping_norm,
        "repeated-noise": _too_large(steps * steady.mean(axis=0) ** 2, error),
        "shared-noise": _too_large(steady.shape[1] * steady.mean(axis=1) ** 2, error),
    }
    rate = None
    if sampler is not None:
        if claimed.sampling_rate is None or records < 1:
            raise ValueError("a sampler needs the claimed rate and the number of records")
        batches = [np.asarray(sampler()) for _ in range(steps)]
        rate, further = _sampled(batches, claimed.sampling_rate, records, error)
        suspicions |= further
    multiplier = (ratio[0] * claimed.noise_multiplier, ratio[1] * claimed.noise_multiplier)
    return Conformance(
        (*multiplier, ratio[2] * claimed.noise_multiplier),
        norm,
        rate,
        tuple(fault for fault, suspected in suspicions.items() if suspected),
        steps,
    )


def _answer(
    step: Step, canaries: NDArray[np.int64], coordinates: int, claimed: Claimed, generator: np.random.Generator
) -> Array:
    """What the step makes of one batch: each example along its own canary, in an order of its own."""
    gradients = np.zeros((len(canaries), coordinates))
    gradients[generator.permutation(len(canaries)), canaries] = LONGER * claimed.clipping_norm
    answer = np.asarray(step(gradients), dtype=np.float64)
    if answer.shape != (coordinates,) or not np.isfinite(answer).all():
        raise ValueError(f"a step answers {coordinates} finite numbers, not {answer.shape}")
    return answer


def _deviation(noise: Array, error: float) -> tuple[float, float, float]:
    """Standard deviation of normal numbers around zero: estimate and exact one-sided bounds."""
    from scipy.stats import chi2

    total = float((noise**2).sum())
    low, high = chi2.isf(error, noise.size), chi2.ppf(error, noise.size)
    return math.sqrt(total / noise.size), math.sqrt(total / low), math.sqrt(total / high)


def _mean(values: Array, deviation: float, error: float) -> tuple[float, float, float]:
    from scipy.stats import norm

    mean, reach = float(values.mean()), float(norm.isf(error)) * deviation / math.sqrt(values.size)
    return mean, mean - reach, mean + reach


def _too_large(squares: Array, error: float) -> bool:
    """Whether squares of standard normal numbers add up to more than chance allows."""
    from scipy.stats import chi2

    return float(squares.sum()) > float(chi2.isf(error, len(squares)))


def _sampled(
    batches: list[NDArray[np.int64]], q: float, records: int, error: float
) -> tuple[tuple[float, float, float], dict[Fault, bool]]:
    """The rate with bounds, and what contradicts independent draws at the claimed rate."""
    from scipy.stats import chi2, norm

    sizes = np.array([len(batch) for batch in batches])
    taken = np.bincount(np.concatenate(batches).astype(np.int64), minlength=records)
    draws, total = records * len(batches), int(sizes.sum())
    low, high = proportion_bounds(min(total, draws), draws, confidence=1.0 - error)
    faults: dict[Fault, bool] = {"sampling-rate": low > q}
    if q < 1.0:
        repeats = any(len(np.unique(batch)) < len(batch) for batch in batches)
        # The sizes of Poisson batches vary; those of shuffled or fixed batches do not.
        regular = ((sizes - total / len(batches)) ** 2).sum() / (records * q * (1.0 - q))
        faults["not-poisson"] = repeats or bool(regular < chi2.ppf(error, len(batches) - 1))
        # Sums of squared binomial counts, with the variance that their kurtosis gives them.
        once = len(batches) * q * (1.0 - q)
        spread = float(((taken - taken.mean()) ** 2).sum() / once)
        deviation = math.sqrt(records * (2.0 + (1.0 - 6.0 * q * (1.0 - q)) / once))
        faults["unequal-rates"] = spread > records - 1 + float(norm.isf(error)) * deviation
    return (total / draws, low, high), faults
