"""How much differential privacy a training run with a Poisson-subsampled Gaussian mechanism has.

Every step draws each record with probability `q`, clips, sums, and adds Gaussian noise of `noise_multiplier` times the
clipping norm (DP-SGD, Abadi et al. 2016). One record more or less turns the answer `N(0, s^2)` into the mixture
`(1 - q) N(0, s^2) + q N(1, s^2)`. The budget is read off the *privacy loss* of that pair, the logarithm of the ratio of
their densities, which adds up over steps (Sommer et al. 2019; Koskela et al. 2020).

Two discretisations of the loss enclose the truth. For the upper bound the mass between two grid points moves to both
of them, so that it weighs the same under either distribution: a spread that can only help the attacker (Doroshenko et
al. 2022). For the lower bound all answers between two grid points are told apart no longer, which can only hinder, and
their common loss is rounded down. What truncation, the transform's wrap-around and floating point can contribute is
added to (taken from) delta. :func:`renyi_epsilon` is a second, looser accountant that shares no line with the first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.privacy.losses import (
    NEGLIGIBLE,
    Losses,
    composed,
    grid_width,
    intervals,
    optimistic,
    pessimistic,
)

ORDERS_ABOVE_ONE = (1e-2, 1e3)
"""Renyi orders less one, between which the best is looked for; every order gives a bound."""
QUADRATURE = 4001
"""Points of the trapezoidal rule, which converges faster than any power of their distance on this integrand."""


@dataclass(frozen=True, slots=True)
class Training:
    """What the mechanism's guarantee depends on. Raises `ValueError` for numbers that are none of a mechanism."""

    noise_multiplier: float
    """Standard deviation of the noise, as a multiple of the clipping norm."""
    sampling_rate: float
    """Probability with which each record takes part in a step, independently of all others."""
    steps: int

    def __post_init__(self) -> None:
        if not (self.noise_multiplier > 0 and math.isfinite(self.noise_multiplier)):
            raise ValueError(f"a positive noise multiplier expected: {self.noise_multiplier}")
        if not 0 < self.sampling_rate <= 1:
            raise ValueError(f"a sampling rate above 0 and at most 1 expected: {self.sampling_rate}")
        if self.steps < 1:
            raise ValueError(f"at least one step expected: {self.steps}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The true epsilon lies between the two."""

    low: float
    high: float


def epsilon_bounds(training: Training, delta: float) -> Bounds:
    """Bounds of the smallest epsilon for which the training is (epsilon, delta)-differentially private.

    Neighbours differ by one record more or less. `high` is infinite where `delta` is too small to be certified in
    floating point (far below 1e-9 after many steps). Raises `ValueError` unless 0 < delta < 1.
    """
    return composed_epsilon_bounds([training], delta)


def composed_epsilon_bounds(trainings: Sequence[Training], delta: float) -> Bounds:
    """Like :func:`epsilon_bounds`, for one training run after another on the same records."""
    if not 0 < delta < 1:
        raise ValueError(f"a delta between 0 and 1 expected: {delta}")
    steps = sum(training.steps for training in trainings)
    width = min(grid_width(each.noise_multiplier, each.sampling_rate, each.steps) for each in trainings)
    tail = NEGLIGIBLE * delta / steps
    less = [(intervals(each.noise_multiplier, each.sampling_rate, width, tail), each.steps) for each in trainings]
    more = [(step.swapped(), count) for step, count in less]
    highs, lows = [], []
    for way in (less, more):
        upper = composed([(pessimistic(step), count) for step, count in way], delta)
        lower = composed([(optimistic(step), count) for step, count in way], delta)
        highs.append(_crossing(upper, delta - upper.infinite - upper.uncertain))
        lows.append(_crossing(lower, delta + lower.uncertain))
    return Bounds(max(0.0, *lows), max(0.0, *highs))


def renyi_epsilon(training: Training, delta: float) -> float:
    """Upper bound of epsilon by Renyi differential privacy.

    Divergence of the mixture from its base by quadrature (Mironov, Talwar and Zhang 2019, who show that this direction
    is the larger one); conversion by Canonne, Kamath and Steinke 2020, proposition 12.
    """
    from scipy.optimize import minimize_scalar

    def epsilon(log_above_one: float) -> float:
        order = 1.0 + math.exp(log_above_one)
        divergence = training.steps * renyi_divergence(training, order)
        return divergence + math.log1p(-1.0 / order) - (math.log(delta) + math.log(order)) / (order - 1.0)

    best = minimize_scalar(epsilon, bounds=tuple(map(math.log, ORDERS_ABOVE_ONE)), method="bounded")
    return max(0.0, float(best.fun))


def gaussian_delta(noise_multiplier: float, epsilon: float) -> float:
    """Exact delta of one Gaussian mechanism without sampling (Balle and Wang 2018, theorem 8): a known answer."""
    from scipy.special import log_ndtr

    half, far = 0.5 / noise_multiplier, epsilon * noise_multiplier
    return float(np.exp(log_ndtr(half - far)) - np.exp(epsilon + log_ndtr(-half - far)))


def gaussian_epsilon(noise_multiplier: float, delta: float) -> float:
    """Exact epsilon of one Gaussian mechanism without sampling, where :func:`gaussian_delta` falls to `delta`."""
    from scipy.optimize import brentq

    if gaussian_delta(noise_multiplier, 0.0) <= delta:
        return 0.0
    most = 1.0
    while gaussian_delta(noise_multiplier, most) > delta:
        most *= 2.0
    return float(brentq(lambda epsilon: gaussian_delta(noise_multiplier, epsilon) - delta, 0.0, most, xtol=1e-12))


def renyi_divergence(training: Training, order: float) -> float:
    """Of one step, at an order above 1. The integrand is a mixture of bells with centres between 0 and `order`."""
    from scipy.special import logsumexp

    sigma, q = training.noise_multiplier, training.sampling_rate
    x = np.linspace(-14.0 * sigma, order + 14.0 * sigma, max(QUADRATURE, int(8 * (order / sigma + 28))))
    inside = math.log(q) + (2.0 * x - 1.0) / (2.0 * sigma**2)
    ratio = inside if q == 1.0 else np.logaddexp(math.log1p(-q), inside)
    logs = order * ratio - x**2 / (2.0 * sigma**2) - math.log(sigma * math.sqrt(2.0 * math.pi))
    return float(logsumexp(logs) + math.log(x[1] - x[0])) / (order - 1.0)


def _crossing(losses: Losses, delta: float) -> float:
    """Where `sum of mass * (1 - e^(epsilon - loss))` over larger losses, which falls with epsilon, reaches `delta`.

    Between neighbouring grid points it is linear in `e^epsilon`, so the crossing is solved, not searched.
    """
    if delta <= 0:
        return math.inf
    # e^-loss is taken relative to the grid point in question, so that it can neither overflow nor vanish.
    above = np.cumsum(losses.masses[::-1])[::-1]
    discounted = _discounted_from_above(losses.masses, losses.width)
    first = int(np.argmax(above - discounted <= delta))  # at the last point nothing is above, so there is one
    if above[first] <= delta:
        return -math.inf
    return float(losses.values[first] + math.log((above[first] - delta) / discounted[first]))


def _discounted_from_above(masses: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """`sum over j >= k of masses[j] e^(-(j - k) width)` for every k."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], [1.0, -math.exp(-width)], masses[::-1])[::-1])
