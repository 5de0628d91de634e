"""The privacy loss of a step on a grid, never too small or never too large, and of many steps together.

The loss at `x` is `log(1 - q + q e^((2x - 1) / (2 s^2)))`, which rises with `x`: grid points of the loss are places on
the line, and the masses between them differences of normal distributions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POINTS_PER_DEVIATION = 128
"""Grid points per standard deviation of one step's loss: what they add to its variance is about one part in 100,000."""
MOST_POINTS = 2**20
NEGLIGIBLE = 1e-6
"""Share of delta that each truncation may cost at most."""
TILTS = np.geomspace(1e-4, 1e3, 57)
"""Parameters of the Chernoff bounds."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Masses `(n,)` of a step's answers between neighbouring grid points `first + i` and `first + i + 1` of the loss.

    `mass` is under the distribution whose loss it is, `other` under the one it is compared with.
    """

    width: float
    first: int
    mass: NDArray[np.float64]
    other: NDArray[np.float64]
    below: float
    """`mass` left of the grid."""
    above: float
    """`mass` right of the grid."""
    other_below: float
    other_above: float

    def swapped(self) -> Intervals:
        """The same answers the other way round: one record less instead of one more. Losses change sign."""
        return Intervals(
            self.width,
            -(self.first + len(self.mass)),
            self.other[::-1],
            self.mass[::-1],
            self.other_above,
            self.other_below,
            self.above,
            self.below,
        )


@dataclass(frozen=True, slots=True)
class Losses:
    """A distribution of losses `offset + width * (first + i)` with `masses` `(n,)`, and some that are infinite."""

    width: float
    first: int
    offset: float
    masses: NDArray[np.float64]
    infinite: float = 0.0
    uncertain: float = 0.0
    """By how much delta may be wrong, either way, for what was cut off and rounded."""

    @property
    def values(self) -> NDArray[np.float64]:
        """The losses that the masses belong to, in rising order."""
        return np.asarray(self.offset + self.width * (self.first + np.arange(len(self.masses))))


def grid_width(sigma: float, q: float, steps: int) -> float:
    """Fine against the spread of one step's loss, but so that all steps together still fit into `MOST_POINTS`."""
    x = np.linspace(-10.0 * sigma, 1.0 + 10.0 * sigma, 4001)
    density = np.exp(-(x**2) / (2 * sigma**2)) * (1 - q) + q * np.exp(-((x - 1) ** 2) / (2 * sigma**2))
    density /= density.sum()
    loss = _loss(x, sigma, q)
    deviation = math.sqrt(float(density @ loss**2) - float(density @ loss) ** 2)
    widest = max(float(loss[-1] - loss[0]), 24.0 * math.sqrt(steps) * deviation)
    return max(deviation / POINTS_PER_DEVIATION, 2.0 * widest / MOST_POINTS)


def intervals(sigma: float, q: float, width: float, tail: float) -> Intervals:
    """Masses of one step between grid points, with at most `tail` outside the grid on either side."""
    from scipy.special import ndtri

    reach = -float(ndtri(tail)) * sigma
    first = math.floor(float(_loss(np.array(-reach), sigma, q)) / width)
    last = math.ceil(float(_loss(np.array(1.0 + reach), sigma, q)) / width)
    places = _place(width * np.arange(first, last + 1, dtype=np.float64), sigma, q)
    base, shifted = _between(places / sigma), _between((places - 1.0) / sigma)
    mixture = (1.0 - q) * base + q * shifted
    return Intervals(
        width, first, mixture[1:-1], base[1:-1], float(mixture[0]), float(mixture[-1]), float(base[0]), float(base[-1])
    )


def pessimistic(step: Intervals) -> Losses:
    """Losses that are at least as telling as the true ones.

    The mass `a` of an interval (`b` under the other distribution) becomes `v` at its upper and `a - v` at its lower
    end, such that `(a - v) e^-low + v e^-high = b`. What lies left of the grid is raised to its first point, what lies
    right of it becomes infinite.
    """
    low = step.width * (step.first + np.arange(len(step.mass)))
    upper = (step.mass - np.exp(np.minimum(low, 700.0)) * step.other) / -math.expm1(-step.width)
    upper = np.clip(upper, 0.0, step.mass)
    masses = np.zeros(len(step.mass) + 1)
    masses[1:] += upper
    masses[:-1] += step.mass - upper
    masses[0] += step.below
    return Losses(step.width, step.first, 0.0, masses, infinite=step.above)


def optimistic(step: Intervals) -> Losses:
    """Losses that are at most as telling as the true ones.

    All answers of an interval count as one; its loss lies near the middle and is rounded down to a grid moved from the
    middles by a little: by as much as costs least on average. Tails are left out.
    """
    keep = (step.mass > 0) & (step.other > 0)
    mass = np.where(keep, step.mass, 0.0)
    middle = step.width * (step.first + 0.5 + np.arange(len(mass)))
    with np.errstate(divide="ignore", invalid="ignore"):
        common = np.where(keep, np.log(step.mass) - np.log(step.other), middle)
    short = middle - common
    shifts = step.width * np.array([1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 0.6])
    shift = min(shifts, key=lambda each: float(each + step.width * mass[short > each].sum()))
    masses = np.zeros(len(mass) + 1)
    down = short > shift
    masses[1:] += np.where(down, 0.0, mass)
    masses[:-1] += np.where(down, mass, 0.0)
    return Losses(step.width, step.first - 1, 0.5 * step.width - float(shift), masses)


def composed(parts: Sequence[tuple[Losses, int]], delta: float) -> Losses:
    """The sum of independent losses, each taken as often as said; all on grids of the same width.

    The discrete Fourier transform of a window that holds all but a negligible part of the sum; what is outside wraps
    around, and is counted as uncertain, as is the rounding of the transform itself.
    """
    width = parts[0][0].width
    cut = NEGLIGIBLE * delta
    low, high = _window(parts, cut)
    size = 1 << max(4, (high - low).bit_length())
    spectrum = np.ones(size // 2 + 1, dtype=np.complex128)
    rounding = 0.0
    for losses, count in parts:
        folded = np.bincount(np.arange(len(losses.masses)) % size, weights=losses.masses, minlength=size)
        spectrum *= np.fft.rfft(folded) ** count
        rounding += count * float(np.linalg.norm(folded))
    masses = np.maximum(np.fft.irfft(spectrum, size), 0.0)
    # The transform errs by log2(size) roundings relative to the norm; Cauchy-Schwarz makes that a bound of the sum.
    rounding *= math.sqrt(size) * math.log2(size) * float(np.finfo(np.float64).eps)
    first = sum(losses.first * count for losses, count in parts)
    infinite = -math.expm1(sum(count * math.log1p(-losses.infinite) for losses, count in parts))
    return Losses(
        width,
        first + low,
        sum(losses.offset * count for losses, count in parts),
        np.roll(masses, -low),
        infinite=infinite,
        uncertain=2.0 * cut + rounding,
    )


def _window(parts: Sequence[tuple[Losses, int]], cut: float) -> tuple[int, int]:
    """Between which grid points, counted from the first possible one, all but `cut` on either side of the sum lies."""
    width = parts[0][0].width
    most = sum((len(losses.masses) - 1) * count for losses, count in parts)
    high = min((_growth(parts, tilt) - math.log(cut)) / tilt for tilt in TILTS)
    low = max(-(_growth(parts, -tilt) - math.log(cut)) / tilt for tilt in TILTS)
    return max(0, math.floor(low / width)), min(most, math.ceil(high / width))


def _growth(parts: Sequence[tuple[Losses, int]], tilt: float) -> float:
    """Logarithm of the moment generating function of the sum, counted from its first grid point."""
    from scipy.special import logsumexp

    return sum(
        count * float(logsumexp(tilt * losses.width * np.arange(len(losses.masses)), b=np.maximum(losses.masses, 0.0)))
        for losses, count in parts
    )


def _loss(x: NDArray[np.float64], sigma: float, q: float) -> NDArray[np.float64]:
    told = math.log(q) + (2.0 * x - 1.0) / (2.0 * sigma**2)
    return np.asarray(told if q == 1.0 else np.logaddexp(math.log1p(-q), told))


def _place(losses: NDArray[np.float64], sigma: float, q: float) -> NDArray[np.float64]:
    """Where on the line the loss is reached: minus infinity for losses it never falls to."""
    rest = 0.0 if q == 1.0 else math.log1p(-q)
    with np.errstate(divide="ignore", invalid="ignore"):
        told = losses if q == 1.0 else losses + np.log(-np.expm1(rest - losses))
    told = np.where(losses > rest, told, -np.inf) if q < 1.0 else told
    return np.asarray(sigma**2 * (told - math.log(q)) + 0.5)


def _between(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal mass left of, between and right of the places, without cancellation in either tail."""
    from scipy.special import ndtr

    edges = np.concatenate([[-np.inf], z, [np.inf]])
    low, high = edges[:-1], edges[1:]
    right = low > 0
    return np.asarray(np.where(right, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low)))
