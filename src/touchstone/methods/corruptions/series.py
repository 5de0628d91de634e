"""Faults along the time axis of a series, which is the last axis of a sample `(…, time)`.

Strengths in time are shares of the length of the series. All channels of a sample share one clock, so that what happens
to time happens to all of them at once; what happens to a sensor happens to one channel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.sensor import READING_FAMILIES, Family, Samples, Sensors, where_sensors
from touchstone.methods.corruptions.severity import at


def time_shift(x: Samples, _: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """The window was cut too early or too late; its end is continued."""
    length = x.shape[-1]
    shift = draws.signs(1) * max(at(severity, 0.03, 0.06, 0.1, 0.15, 0.2) * length, 1)
    return _at_times(x, np.arange(length, dtype=np.float32) + shift)


def time_warp(x: Samples, _: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """The clock runs unevenly: slow, then fast, or the other way round; both ends stay in place."""
    length = x.shape[-1]
    unit = np.linspace(0, 1, length, dtype=np.float32)
    bend = np.float32(at(severity, 0.03, 0.06, 0.1, 0.15, 0.2)) * draws.signs(1)
    return _at_times(x, (unit + bend * np.sin(np.pi * unit)) * np.float32(length - 1))


def dropout_window(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """No readings for a while, on all channels; the gap is filled with the median, as pipelines commonly do."""
    return where_sensors(sensors, np.where(_window(x, severity, draws), sensors.median, x), x)


def frozen_window(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """For a while the last reading is sent again and again: delayed or duplicated messages."""
    window = _window(x, severity, draws)
    flat_window = window.reshape(len(x), x.shape[-1])
    start = np.maximum(flat_window.argmax(axis=1) - 1, 0)
    last = np.take_along_axis(x, start.reshape(-1, *[1] * (x.ndim - 1)), axis=-1)
    return where_sensors(sensors, np.where(window, last, x), x)


def drift_along_time(x: Samples, sensors: Sensors, severity: int, _: SampleDraws) -> Samples:
    """The zero of every channel wanders away from the start of the series to its end."""
    ramp = np.linspace(0, 1, x.shape[-1], dtype=np.float32)
    strength = np.float32(at(severity, 0.1, 0.2, 0.4, 0.8, 1.6))
    return x + strength * ramp * sensors.bias[..., :1] * sensors.spread


SERIES_FAMILIES: dict[str, Family] = READING_FAMILIES | {
    family.__name__: family for family in (time_shift, time_warp, dropout_window, frozen_window, drift_along_time)
}


def _at_times(x: Samples, times: NDArray[np.float32]) -> Samples:
    """Values between the readings at times `(n, length)`; before the first and after the last reading these go on."""
    length = x.shape[-1]
    place = np.clip(times, 0, length - 1).reshape(len(x), *[1] * (x.ndim - 2), length)
    before = np.minimum(place.astype(np.int64), max(length - 2, 0))
    share = (place - before).astype(np.float32)
    earlier, later = (
        np.take_along_axis(x, np.broadcast_to(each, x.shape), axis=-1)
        for each in (before, np.minimum(before + 1, length - 1))
    )
    return np.asarray(earlier * (1 - share) + later * share)


def _window(x: Samples, severity: int, draws: SampleDraws) -> NDArray[np.bool_]:
    """A window of each sample that grows around one place, `(n, 1, …, length)`."""
    length = x.shape[-1]
    middle = draws.uniform(1, high=length)
    reach = max(at(severity, 0.03, 0.06, 0.1, 0.15, 0.25) * length, 1.0) / 2
    inside: NDArray[np.bool_] = np.abs(np.arange(length) + 0.5 - middle) <= reach
    return inside.reshape(len(x), *[1] * (x.ndim - 2), length)
