"""False readings of a sensor that somebody else controls: held, replayed, mirrored, scaled.

The attacker holds one sensor and knows what its readings usually look like, not the model: Park et al. 2016, "This
ain't your dose: sensor spoofing attack on medical infusion pump" (WOOT); replay as in Mo and Sinopoli 2009, "Secure
control against replay attacks" (Allerton). Samples are `(n, *shape)`; in a series the last axis is time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Samples

Held = NDArray[np.bool_]
"""Which elements of one sample the attacker controls, in the shape of a sample."""

WINDOWS: Final = 4
"""Where a series has one channel only, the attacker holds it for one of so many stretches of time."""
GAIN: Final = 2.0
"""How much a scaled reading exaggerates the distance from the usual one."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What readings look like when nobody interferes."""

    middle: Samples
    """Half way between the readings that are low and those that are high, in the shape of a sample."""
    low: float
    high: float
    series: bool


EDGES: Final = (0.05, 0.95)
"""Quantiles of what is low and high."""

Spoof = Callable[[Samples, Samples, Usual], Samples]


def usual_readings(clean: Samples, low: float, high: float, *, series: bool) -> Usual:
    """Learn what is usual from clean samples; false readings stay from `low` to `high`."""
    edges = np.quantile(clean, EDGES, axis=0)
    return Usual(edges.mean(axis=0).astype(np.float32), low, high, series)


def sensors_in(continuous: Held, *, series: bool) -> list[Held]:
    """What one attacker can hold: a continuous column, a channel, or a stretch of the only channel."""
    if not series:
        return _alone(np.flatnonzero(continuous), continuous.shape)
    channels = continuous.reshape(-1, continuous.shape[-1])
    live = np.flatnonzero(channels.any(axis=1))
    if len(live) > 1:
        held = [_rows_of(channels.shape, int(channel)).reshape(continuous.shape) for channel in live]
    else:
        time = np.array_split(np.arange(continuous.shape[-1]), WINDOWS)
        held = [np.isin(np.arange(continuous.shape[-1]), window) & continuous for window in time]
    return [each for each in held if each.any()]


def spoofed(kind: str, x: Samples, recorded: Samples, held: Held, usual: Usual) -> Samples:
    """Samples with false readings of one of the :data:`SPOOFS` where `held`; `recorded` are other clean samples."""
    false = np.clip(SPOOFS[kind](x, recorded, usual), usual.low, usual.high)
    return np.where(held, false, x).astype(np.float32)


def constant(x: Samples, _: Samples, usual: Usual) -> Samples:
    """A series stays at its first reading, any other sensor at its usual one."""
    return np.broadcast_to(x[..., :1] if usual.series else usual.middle, x.shape)


def replayed(_: Samples, recorded: Samples, __: Usual) -> Samples:
    """What was read in another, clean recording."""
    return recorded


def mirrored(x: Samples, _: Samples, usual: Usual) -> Samples:
    """High where the truth is low."""
    return 2 * usual.middle - x


def scaled(x: Samples, _: Samples, usual: Usual) -> Samples:
    """Twice as far from the usual reading as the truth."""
    return usual.middle + np.float32(GAIN) * (x - usual.middle)


SPOOFS: dict[str, Spoof] = {spoof.__name__: spoof for spoof in (constant, replayed, mirrored, scaled)}


def _alone(places: NDArray[np.int64], shape: tuple[int, ...]) -> list[Held]:
    held = np.zeros((len(places), int(np.prod(shape))), dtype=bool)
    held[np.arange(len(places)), places] = True
    return list(held.reshape(len(places), *shape))


def _rows_of(shape: tuple[int, ...], row: int) -> Held:
    held = np.zeros(shape, dtype=bool)
    held[row] = True
    return held
