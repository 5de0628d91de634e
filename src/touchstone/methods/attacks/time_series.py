"""Attacks on time series that an attacker of the physical world could make: a smooth disturbance, or faulty sensors.

A small change of every reading that jumps at every step is filtered out, or noticed. Two attackers are left:

* :class:`SmoothThreat`: a disturbance of bounded amplitude whose total variation over time is bounded as well. It is
  searched for among few low frequencies, as in Pialla et al. 2022, "Smooth perturbations for time series adversarial
  attacks" (PAKDD), or along the gradient smoothed over time.
* :class:`SensorFaults`: some readings, or whole channels, may be anything in the legal range, all others are exact.
  Single readings are searched as in Croce et al. 2022, "Sparse-RS" (AAAI); channels through the faults that sensors
  have (stuck, frozen, inverted, swapped in time) and then in ever shorter windows.

Samples are `(n, ..., time)`: all axes but the last are channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.score_search import Rows, score_search
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples, Scores, ThreatModel

Gradient = Callable[[Samples, Classes], Samples]
"""Gradient of the margin with respect to the input: by how much the best other class leads `y`."""

FREQUENCIES: Final = 8
"""Half-waves of the fastest disturbance that is tried."""
WINDOWS: Final = (0.5, 0.2, 0.05)
"""Over which share of the time the gradient is smoothed, one try after the other."""
ROUNDINGS: Final = 4
_LARGEST_WINDOW: Final = 0.5


@dataclass(frozen=True, slots=True)
class SmoothThreat:
    """A disturbance within `amplitude`, its ups and downs in each channel adding up to at most `variation`."""

    amplitude: ThreatModel
    variation: NDArray[np.float64]
    """A number, or one per channel."""

    def scaled(self, factor: float) -> Self:
        """The same attacker with `factor` times the strength."""
        return type(self)(self.amplitude.scaled(factor), self.variation * factor)

    def contains(self, x: Samples, disturbed: Samples) -> NDArray[np.bool_]:
        """Whether each series is one this attacker could have made of `x`; shape `(n,)`."""
        smooth = (self._variation(x, disturbed) <= self.variation).all(axis=tuple(range(1, x.ndim - 1)))
        return np.asarray(smooth & self.amplitude.contains(x, disturbed))

    def project(self, x: Samples, candidate: Samples) -> Samples:
        """A legal series near each candidate: cut at the amplitude, then each channel that varies too much drawn back.

        All limits are convex and hold for `x`, so drawing back towards it never breaks another one.
        """
        lower, upper = self.amplitude.box(x)
        legal = np.clip(candidate, lower, upper).astype(np.float32)
        for attempt in range(ROUNDINGS):  # what is legal in real numbers may be rounded beyond
            varies = self._variation(x, legal)
            too_much = varies > self.variation
            if not too_much.any():
                break
            share = np.where(too_much, (1 - 1e-6 * 100**attempt) * self.variation / np.maximum(varies, 1e-300), 1.0)
            step = legal.astype(np.float64) - x
            drawn = np.clip((x + share[..., None] * step).astype(np.float32), lower, upper)
            legal = np.where(too_much[..., None], drawn, legal)
        return np.where((self._variation(x, legal) > self.variation)[..., None], x, legal)

    def _variation(self, x: Samples, disturbed: Samples) -> NDArray[np.float64]:
        """Total variation of the disturbance along time, channel by channel."""
        return np.asarray(np.abs(np.diff(disturbed.astype(np.float64) - x, axis=-1)).sum(axis=-1))


def smooth_attack(
    scores: Scores, x: Samples, y: Classes, smooth: SmoothThreat, seeds: NDArray[np.int64], *, queries: int
) -> AttackResult:
    """Attack series that the model classifies as `y` by random low frequencies, at most `queries` questions each."""
    waves = _Waves(x, smooth, seeds, queries)
    return _legal_only(smooth, x, score_search(scores, x, y, smooth.amplitude, waves, queries=queries))


def smooth_gradient_attack(
    scores: Scores, gradient: Gradient, x: Samples, y: Classes, smooth: SmoothThreat, *, iterations: int
) -> AttackResult:
    """Attack along the smoothed gradient of the margin: `iterations` steps for each of the :data:`WINDOWS`."""
    adversarial, succeeded = x.copy(), np.zeros(len(x), dtype=bool)
    spent = np.zeros(len(x), dtype=np.int64)
    for window in WINDOWS:
        rows = np.flatnonzero(~succeeded)
        current = x[rows].copy()
        for step in range(iterations):
            if not rows.size:
                break
            slope = _smoothed(gradient(current, y[rows]), window)
            size = smooth.amplitude.epsilon * (2.0 / (1 + 3 * step / iterations))
            peak = np.maximum(np.abs(slope).max(axis=-1, keepdims=True), 1e-30)
            current = smooth.project(x[rows], (current + size * slope / peak).astype(np.float32))
            spent[rows] += 2
            broken = scores(current).argmax(axis=1) != y[rows]
            adversarial[rows[broken]], succeeded[rows[broken]] = current[broken], True
            rows, current = rows[~broken], current[~broken]
    return _legal_only(smooth, x, AttackResult(adversarial, succeeded, spent))


@dataclass(frozen=True, slots=True)
class SensorFaults:
    """Readings that may be anything from `low` to `high`: all of some `channels`, and `readings` of the others.

    Both ends are finite and broadcast to the shape of one sample.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    readings: int = 0
    channels: int = 0

    def contains(self, x: Samples, faulty: Samples) -> NDArray[np.bool_]:
        """Whether each series is one these faults could have made of `x`; shape `(n,)`."""
        changed = faulty != x
        channels = math.prod(x.shape[1:-1])
        counts = np.sort(changed.sum(axis=-1).reshape(len(x), channels), axis=1)
        others = counts[:, : max(channels - self.channels, 0)]
        legal = ~changed | ((self.low <= faulty) & (faulty <= self.high))
        return np.asarray(legal.all(axis=tuple(range(1, x.ndim))) & (others.sum(axis=1) <= self.readings))

    def anywhere(self) -> ThreatModel:
        """Any reading may be anything: the box in which faults are searched."""
        return ThreatModel(np.asarray(self.high - self.low), self.low, self.high)


def sensor_fault_attack(
    scores: Scores, x: Samples, y: Classes, faults: SensorFaults, seeds: NDArray[np.int64], *, queries: int
) -> AttackResult:
    """Attack series that the model classifies as `y`: first whole channels, then single readings of what is left.

    Each of the two may ask `queries` questions per series.
    """
    result = AttackResult(x.copy(), np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=np.int64))
    for limit, search in ((faults.channels, _Channels), (faults.readings, _Readings)):
        rows = np.flatnonzero(~result.succeeded)
        if limit and rows.size:
            proposals = search(x[rows], faults, seeds[rows], queries)
            found = score_search(scores, x[rows], y[rows], faults.anywhere(), proposals, queries=queries)
            result.adversarial[rows], result.succeeded[rows] = found.adversarial, found.succeeded
            result.queries[rows] += found.queries
    return _legal_only(faults, x, result)


def _legal_only(threat: SmoothThreat | SensorFaults, x: Samples, found: AttackResult) -> AttackResult:
    legal = threat.contains(x, found.adversarial)
    return AttackResult(found.adversarial, found.succeeded & legal, found.queries)


def _smoothed(slope: Samples, window: float) -> NDArray[np.float64]:
    """Moving average over time, the ends seen as if time went back there."""
    width = max(round(window * slope.shape[-1]), 1)
    edge = [(0, 0)] * (slope.ndim - 1) + [(width, width)]
    padded = np.pad(slope.astype(np.float64), edge, mode="symmetric")
    total = np.cumsum(padded, axis=-1)
    start = (width + 1) // 2
    return np.asarray((total[..., start + width :] - total[..., start:-width])[..., : slope.shape[-1]] / width)


class _Waves:
    """Half-waves of random frequency, phase and place, slow and large ones first."""

    def __init__(self, x: Samples, smooth: SmoothThreat, seeds: NDArray[np.int64], queries: int) -> None:
        self.x, self.smooth, self.queries = x, smooth, queries
        self.generators = [np.random.default_rng(int(seed)) for seed in seeds]
        self.epsilon = np.broadcast_to(smooth.amplitude.epsilon, x.shape[1:])
        self.time = np.arange(x.shape[-1]) / max(x.shape[-1] - 1, 1)

    def propose(self, step: int, rows: Rows, best: Samples, lower: Samples, upper: Samples) -> Samples:
        if step < 3:  # nothing at all, then everything up, then everything down
            offset = np.broadcast_to((0.0, 1.0, -1.0)[step] * self.epsilon, best.shape)
            return self.smooth.project(self.x[rows], (self.x[rows] + offset).astype(np.float32))
        size = 2.0 * (1 - step / self.queries) + 0.1
        waves = np.stack([self._wave(self.generators[row]) for row in rows])
        candidate = (best + size * self.epsilon * waves).astype(np.float32)
        return self.smooth.project(self.x[rows], candidate)

    def _wave(self, generator: np.random.Generator) -> NDArray[np.float64]:
        channels = self.epsilon.shape[:-1]
        frequency, phase = generator.uniform(0, FREQUENCIES), generator.uniform(0, 2 * np.pi)
        touched = generator.random(channels) < generator.uniform(1 / max(math.prod(channels), 1), 1)
        signs = np.where(generator.random(channels) < 0.5, -1.0, 1.0) * touched
        return np.asarray(signs[..., None] * np.cos(np.pi * frequency * self.time + phase))


class _Faults:
    """What both kinds of faults share: series seen as `(rows, channels, time)`, and each row's own dice."""

    def __init__(self, x: Samples, faults: SensorFaults, seeds: NDArray[np.int64], queries: int) -> None:
        self.x = x.reshape(len(x), -1, x.shape[-1])
        self.faults, self.queries = faults, queries
        self.generators = [np.random.default_rng(int(seed)) for seed in seeds]

    def propose(self, step: int, rows: Rows, best: Samples, lower: Samples, upper: Samples) -> Samples:
        shape = self.x[rows].shape
        ends = lower.reshape(shape), upper.reshape(shape)
        made = best.reshape(shape).copy()
        for place, row in enumerate(rows):
            low, high = (end[place] for end in ends)
            made[place] = self._fault(step, self.generators[row], self.x[row], made[place], low, high)
        return made.reshape(best.shape)

    def _fault(
        self, step: int, dice: np.random.Generator, x: Samples, best: Samples, low: Samples, high: Samples
    ) -> Samples:
        raise NotImplementedError


class _Channels(_Faults):
    """The faults that sensors have, in every channel; then windows of random length at either end."""

    def _fault(
        self, step: int, dice: np.random.Generator, x: Samples, best: Samples, low: Samples, high: Samples
    ) -> Samples:
        kinds = _sensor_faults(x, low, high)
        faulty = np.flatnonzero((best != x).any(axis=-1))
        if step == 0:
            return x.copy()
        kind, channel = divmod(step - 1, len(x))
        if kind < len(kinds):
            made = self._with_room(dice, x, best, faulty, channel)
            made[channel] = kinds[kind][channel]
            return made
        any_channel = dice.random() < 0.2 or not faulty.size
        channel = int(dice.integers(len(x)) if any_channel else dice.choice(faulty))
        made = self._with_room(dice, x, best, faulty, channel)
        longest = max(_LARGEST_WINDOW * (1 - step / self.queries) * x.shape[-1], 1)
        length = int(dice.integers(1, int(longest) + 1))
        start = int(dice.integers(x.shape[-1] - length + 1))
        window = slice(start, start + length)
        source = (low, high, x)[int(dice.integers(3))]
        made[channel, window] = source[channel, window]
        return made

    def _with_room(
        self, dice: np.random.Generator, x: Samples, best: Samples, faulty: NDArray[np.int64], channel: int
    ) -> Samples:
        """The best so far, with one other channel repaired where all allowed ones are faulty already."""
        made = best.copy()
        if channel not in faulty and len(faulty) >= self.faults.channels:
            repaired = dice.choice(faulty)
            made[repaired] = x[repaired]
        return made


def _sensor_faults(x: Samples, low: Samples, high: Samples) -> tuple[Samples, ...]:
    """Stuck at the bottom, at the top, at the first reading, at the mean; inverted; backwards. In every channel."""
    frozen = np.broadcast_to(x[:, :1], x.shape)
    mean = np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)
    made = (low, high, frozen, mean, low + (high - x), x[:, ::-1])
    return tuple(np.clip(series, low, high).astype(np.float32) for series in made)


class _Readings(_Faults):
    """A few readings at either end of the range; ever fewer of them are moved elsewhere at once."""

    def _fault(
        self, step: int, dice: np.random.Generator, x: Samples, best: Samples, low: Samples, high: Samples
    ) -> Samples:
        made, limit = best.copy(), min(self.faults.readings, x.size)
        faulty = np.flatnonzero(best != x)
        moved = max(round(limit * 0.5 * (1 - step / self.queries)), 1) if step else limit
        spare = limit - len(faulty)
        repaired = dice.choice(faulty, min(max(moved - spare, 0), len(faulty)), replace=False)
        made.flat[repaired] = x.flat[repaired]
        broken = dice.choice(x.size, min(moved, limit), replace=False)
        ends = np.where(dice.random(len(broken)) < 0.5, low.flat[broken], high.flat[broken])
        made.flat[broken] = ends
        return made
