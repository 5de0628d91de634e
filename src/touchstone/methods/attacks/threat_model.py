"""What the attacker may change, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Inputs `(n, *shape)`."""
Classes = NDArray[np.int64]
"""Class indices `(n,)`."""
Scores = Callable[[Samples], NDArray[np.float64]]
"""Class scores `(n, K)` in a logarithmic scale: logits, or logarithms of probabilities."""
Labels = Callable[[Samples], Classes]
"""Predicted classes."""
Norm = Literal["linf", "l2", "l1"]
"""How the moves of the elements add up to one distance."""


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """A weighted ball around each input, cut by the legal range of inputs.

    Each element may move by at most its own `epsilon` and must stay in `[low, high]`; all three broadcast to the
    shape of one sample. An element with `epsilon` zero is immutable. Where nothing is declared, `low` and `high`
    are infinite. An input that already lies outside the range may stay where it is. In L2 and L1 `epsilon` is how far
    an element may move alone: what is limited to one is the norm of all moves, each in units of its own `epsilon`.
    """

    epsilon: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    norm: Norm = "linf"

    def box(self, x: Samples) -> tuple[Samples, Samples]:
        """Smallest and largest legal value of every element, rounded towards `x` so that float32 stays inside.

        In L2 and L1 not every point between them is legal: see `drawn_in`.
        """
        lower, upper = self._exact_box(x)
        return _round_up(lower), -_round_up(-upper)

    def contains(self, x: Samples, adversarial: Samples) -> NDArray[np.bool_]:
        """Whether each adversarial sample is one this attacker could have made of `x`; shape `(n,)`."""
        lower, upper = self._exact_box(x)
        exact = adversarial.astype(np.float64)
        inside = ((lower <= exact) & (exact <= upper)).reshape(len(x), prod(x.shape[1:])).all(axis=1)
        if self.norm != "linf":
            inside &= self.distance(x, adversarial) <= 1.0
        return np.asarray(inside)

    def distance(self, x: Samples, moved: Samples) -> NDArray[np.float64]:
        """How far each sample was moved, in units of the radius; infinite where an immutable element was."""
        step = np.abs(moved.astype(np.float64) - x)
        weight = np.broadcast_to(self.epsilon, x.shape[1:])
        relative = np.divide(step, weight, out=np.where(step > 0, np.inf, 0.0), where=weight > 0)
        relative = relative.reshape(len(x), prod(x.shape[1:]))
        if self.norm == "linf":
            return np.asarray(relative.max(axis=1, initial=0.0))
        return np.asarray(np.linalg.norm(relative, axis=1) if self.norm == "l2" else relative.sum(axis=1))

    def drawn_in(self, x: Samples, moved: Samples) -> Samples:
        """Points outside the ball, drawn straight towards `x` until they are legal; others as they are."""
        lower, upper = self.box(x)
        boxed = np.clip(moved, lower, upper)
        if self.norm == "linf":
            return boxed
        shrink = 1.0 / np.maximum(self.distance(x, boxed) * (1.0 + 1e-7), 1.0)
        return towards(x, boxed, shrink)

    def range(self, x: Samples) -> tuple[Samples, Samples]:
        """Smallest and largest legal value of every element for an attacker of any radius."""
        reach = np.where(self.epsilon > 0, np.inf, 0.0)
        return replace(self, epsilon=reach).box(x)

    def scaled(self, factor: float) -> Self:
        """The same attacker with `factor` times the radius."""
        return replace(self, epsilon=self.epsilon * factor)

    def _exact_box(self, x: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        exact = x.astype(np.float64)
        lower = np.minimum(np.maximum(exact - self.epsilon, self.low), exact)
        upper = np.maximum(np.minimum(exact + self.epsilon, self.high), exact)
        return lower, upper


def towards(x: Samples, moved: Samples, share: NDArray[np.float64]) -> Samples:
    """The point at `share` (one per sample, at most one) of the way from `x` to `moved`, rounded towards `x`."""
    return stepped(x, share.reshape(-1, *[1] * (x.ndim - 1)) * (moved.astype(np.float64) - x))


def stepped(x: Samples, step: NDArray[np.float64]) -> Samples:
    """`x + step` in float32, rounded towards `x`, so that no element moves further than it should."""
    point = (x + step).astype(np.float32)
    too_far = np.abs(point.astype(np.float64) - x) > np.abs(step)
    return np.where(too_far, np.nextafter(point, x), point)


def uniform_threat(epsilon: float, low: float, high: float, norm: Norm = "linf") -> ThreatModel:
    """Every element may move by `epsilon`, as usual for images."""
    return ThreatModel(np.asarray(epsilon), np.asarray(low), np.asarray(high), norm)


def interquartile_threat(background: Samples, share: float, low: float, high: float) -> ThreatModel:
    """Every continuous element may move by `share` of its interquartile range in `background` `(m, *shape)`.

    Elements that hold only whole numbers (binary, one-hot and ordinal codes, counts) are immutable: half a
    category is not an input the system could ever meet.
    """
    first, third = np.quantile(background.astype(np.float64), [0.25, 0.75], axis=0)
    epsilon = np.where(continuous_elements(background), share * (third - first), 0.0)
    return ThreatModel(epsilon, np.asarray(low), np.asarray(high))


def unlimited_threat(background: Samples, low: float, high: float) -> ThreatModel:
    """Every element, immutable or not, may take any legal value: a budget that leaves an attack no excuse.

    Where no range is declared, the range seen in `background` stands in.
    """
    seen_low = background.min(axis=0).astype(np.float64)
    seen_high = background.max(axis=0).astype(np.float64)
    lowest = np.where(np.isfinite(low), low, seen_low)
    highest = np.where(np.isfinite(high), high, seen_high)
    return ThreatModel(highest - lowest, lowest, highest)


def continuous_elements(background: Samples) -> NDArray[np.bool_]:
    """Which elements of a sample take values other than whole numbers; shape of one sample."""
    fractional: NDArray[np.bool_] = (background != np.rint(background)).any(axis=0)
    return fractional


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What an attack achieved on each sample.

    `adversarial` holds the sample that changed the answer, and the unchanged input where none was found;
    `queries` counts the model's answers spent on each sample.
    """

    adversarial: Samples
    succeeded: NDArray[np.bool_]
    queries: NDArray[np.int64]


def margin(scores: NDArray[np.float64], y: Classes) -> NDArray[np.float64]:
    """Score of the true class minus the best other score: negative once the answer has changed."""
    rows = np.arange(len(y))
    others = scores.copy()
    others[rows, y] = -np.inf
    difference: NDArray[np.float64] = scores[rows, y] - others.max(axis=1)
    return difference


def _round_up(exact: NDArray[np.float64]) -> Samples:
    rounded = exact.astype(np.float32)
    return np.where(rounded < exact, np.nextafter(rounded, np.float32(np.inf)), rounded)
