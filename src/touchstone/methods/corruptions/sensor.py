"""Faults of the sensors and pipelines behind tables and time series.

Strengths are in units of each element's spread in clean background data. Only continuous elements are touched: a
flipped category is a data-quality fault, not a sensor that wears out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Family = Callable[[Samples, "Sensors", int, np.random.Generator], Samples]

SPIKE = 5.0
"""Height of a spike, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Sensors:
    """What clean readings look like; arrays have the shape of one sample."""

    background: Samples
    spread: NDArray[np.float32]
    """Standard deviation; zero for elements that are not to be touched."""
    median: NDArray[np.float32]
    bias: Samples
    """Which way each sensor errs, +1 or -1, where it errs the same way in all samples."""


def sensors_of(background: Samples, continuous: NDArray[np.bool_], generator: np.random.Generator) -> Sensors:
    """Learn the sensors from clean samples `(m, *shape)`; `continuous` says which elements are sensors at all."""
    spread = np.where(continuous, background.std(axis=0, dtype=np.float64), 0.0)
    median = np.median(background, axis=0).astype(np.float32)
    return Sensors(background, spread.astype(np.float32), median, _signs(median.shape, generator))


def corrupt_readings(
    family: str, x: Samples, sensors: Sensors, severity: int, generator: np.random.Generator, *, low: float, high: float
) -> Samples:
    """Apply one of :data:`SENSOR_FAMILIES` at severity 1 to 5; changed values stay in `[low, high]`."""
    if severity == 0:
        return x
    changed = np.clip(SENSOR_FAMILIES[family](x, sensors, severity, generator), low, high)
    return np.where(sensors.spread > 0, changed, x).astype(np.float32)


def noise(x: Samples, sensors: Sensors, severity: int, generator: np.random.Generator) -> Samples:
    """Independent Gaussian noise."""
    strength = _at(severity, 0.05, 0.1, 0.2, 0.4, 0.8)
    return x + strength * sensors.spread * generator.standard_normal(x.shape, dtype=np.float32)


def bias_drift(x: Samples, sensors: Sensors, severity: int, _: np.random.Generator) -> Samples:
    """Every sensor reads too high or too low by a constant, the same for all samples."""
    return x + _at(severity, 0.05, 0.1, 0.2, 0.4, 0.8) * sensors.bias * sensors.spread


def gain(x: Samples, sensors: Sensors, severity: int, _: np.random.Generator) -> Samples:
    """Every sensor exaggerates or flattens deviations from its median, the same for all samples."""
    return sensors.median + (x - sensors.median) * (1 + _at(severity, 0.05, 0.1, 0.2, 0.3, 0.5) * sensors.bias)


def stuck_at(x: Samples, sensors: Sensors, severity: int, generator: np.random.Generator) -> Samples:
    """Some readings are those of another sample: the sensor has frozen."""
    frozen: Samples = sensors.background[generator.integers(len(sensors.background), size=len(x))]
    return np.where(_hit(x, generator, severity), frozen, x)


def missing(x: Samples, sensors: Sensors, severity: int, generator: np.random.Generator) -> Samples:
    """Some readings are lost and filled with the median, as pipelines commonly do."""
    return np.where(_hit(x, generator, severity), sensors.median, x)


def quantisation(x: Samples, sensors: Sensors, severity: int, _: np.random.Generator) -> Samples:
    """Too few bits: readings are rounded to coarse steps."""
    step = np.where(sensors.spread > 0, sensors.spread * _at(severity, 0.1, 0.2, 0.4, 0.7, 1.0), np.float32(1))
    return np.asarray(sensors.median + np.rint((x - sensors.median) / step) * step)


def spikes(x: Samples, sensors: Sensors, severity: int, generator: np.random.Generator) -> Samples:
    """Rare readings far off, from interference or loose contacts."""
    direction = _signs(x.shape, generator)
    return np.where(_hit(x, generator, severity), x + SPIKE * direction * sensors.spread, x)


SENSOR_FAMILIES: dict[str, Family] = {
    family.__name__: family for family in (noise, bias_drift, gain, stuck_at, missing, quantisation, spikes)
}


def _at(severity: int, *constants: float) -> float:
    return constants[severity - 1]


def _signs(shape: tuple[int, ...], generator: np.random.Generator) -> Samples:
    return np.where(generator.random(shape) < 0.5, np.float32(-1), np.float32(1))


def _hit(x: Samples, generator: np.random.Generator, severity: int) -> NDArray[np.bool_]:
    hit: NDArray[np.bool_] = generator.random(x.shape, dtype=np.float32) < _at(severity, 0.01, 0.03, 0.05, 0.1, 0.2)
    return hit
