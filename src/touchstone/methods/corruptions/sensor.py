"""Faults of the sensors, forms and pipelines behind tables, and of single readings of a time series.

Strengths are in units of each element's spread in clean background data. Elements that are sensors take fractions;
all others are codes and categories, which a sensor cannot shift but a person can mistake for one another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.severity import at

Samples = NDArray[np.float32]
Family = Callable[[Samples, "Sensors", int, SampleDraws], Samples]

SPIKE = 5.0
"""Height of a spike, in standard deviations."""
UNIT_FACTORS = (0.1, 10.0, 2.54, 0.4536, 18.0)
"""A slipped decimal point, inches for centimetres, pounds for kilograms, mg/dL for mmol/L of glucose."""


@dataclass(frozen=True, slots=True)
class Sensors:
    """What clean readings look like; arrays have the shape of one sample."""

    background: Samples
    spread: NDArray[np.float32]
    """Standard deviation; zero for elements that are no sensors."""
    median: NDArray[np.float32]
    bias: Samples
    """Which way each sensor errs, +1 or -1, where it errs the same way in all samples."""
    categorical: NDArray[np.bool_]
    """Elements that take whole numbers only, and more than one of them."""


def sensors_of(background: Samples, continuous: NDArray[np.bool_], generator: np.random.Generator) -> Sensors:
    """Learn the sensors from clean samples `(m, *shape)`; `continuous` says which elements are sensors at all."""
    spread = np.where(continuous, background.std(axis=0, dtype=np.float64), 0.0).astype(np.float32)
    median = np.median(background, axis=0).astype(np.float32)
    bias = np.where(generator.random(median.shape) < 0.5, np.float32(-1), np.float32(1))
    categorical = ~continuous & (background != background[:1]).any(axis=0)
    return Sensors(background, spread, median, bias, categorical)


def corrupt_readings(
    families: dict[str, Family],
    family: str,
    x: Samples,
    sensors: Sensors,
    severity: int,
    draws: SampleDraws,
    *,
    low: float,
    high: float,
) -> Samples:
    """Apply one of the families at severity 1 to 5; changed values stay in `[low, high]`, all others as they are."""
    if severity == 0:
        return x
    changed = families[family](x, sensors, severity, draws)
    return np.where(changed == x, x, np.clip(changed, low, high)).astype(np.float32)


def noise(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """Independent Gaussian noise."""
    return x + np.float32(at(severity, 0.05, 0.1, 0.2, 0.4, 0.8)) * sensors.spread * draws.normal(*x.shape[1:])


def bias_drift(x: Samples, sensors: Sensors, severity: int, _: SampleDraws) -> Samples:
    """Every sensor reads too high or too low by a constant, the same for all samples."""
    return x + np.float32(at(severity, 0.05, 0.1, 0.2, 0.4, 0.8)) * sensors.bias * sensors.spread


def ageing(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """Every sensor drifts its own way as it ages, and each sample was taken at another age, from new to worn."""
    age = draws.uniform(*[1] * (x.ndim - 1))
    return x + 2 * age * np.float32(at(severity, 0.05, 0.1, 0.2, 0.4, 0.8)) * sensors.bias * sensors.spread


def gain(x: Samples, sensors: Sensors, severity: int, _: SampleDraws) -> Samples:
    """Every sensor exaggerates or flattens deviations from its median, the same for all samples."""
    factor = 1 + np.float32(at(severity, 0.05, 0.1, 0.2, 0.3, 0.5)) * sensors.bias
    return where_sensors(sensors, sensors.median + (x - sensors.median) * factor, x)


def stuck_at(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """Some readings are those of another sample: the sensor has frozen, or the reading is an old one."""
    old = sensors.background[draws.below(len(sensors.background))]
    return where_sensors(sensors, np.where(_hit(x, draws, severity), old, x), x)


def missing(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """Some readings are lost and filled with the median, as pipelines commonly do."""
    return where_sensors(sensors, np.where(_hit(x, draws, severity), sensors.median, x), x)


def quantisation(x: Samples, sensors: Sensors, severity: int, _: SampleDraws) -> Samples:
    """Too few bits: readings are rounded to coarse steps."""
    strength = np.float32(at(severity, 0.1, 0.2, 0.4, 0.7, 1.0))
    step = np.where(sensors.spread > 0, sensors.spread * strength, np.float32(1))
    return where_sensors(sensors, sensors.median + np.rint((x - sensors.median) / step) * step, x)


def saturation(x: Samples, sensors: Sensors, severity: int, _: SampleDraws) -> Samples:
    """The measuring range is too narrow: readings beyond it stop at its ends."""
    reach = np.float32(at(severity, 1.3, 1.1, 0.9, 0.7, 0.5)) * sensors.spread
    return where_sensors(sensors, np.clip(x, sensors.median - reach, sensors.median + reach), x)


def spikes(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """Rare readings far off, from interference or loose contacts."""
    hit = _hit(x, draws, severity)
    return np.where(hit, x + np.float32(SPIKE) * draws.signs(*x.shape[1:]) * sensors.spread, x)


def unit_error(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """Some values are entered in another unit, or with the decimal point in the wrong place."""
    hit = _hit(x, draws, severity)
    factor = np.array(UNIT_FACTORS, dtype=np.float32)[draws.below(len(UNIT_FACTORS), *x.shape[1:])]
    return where_sensors(sensors, np.where(hit, x * factor, x), x)


def swapped_columns(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """In some rows the values of two neighbouring sensors are exchanged: fields filled in the wrong order."""
    places = np.flatnonzero(sensors.spread.ravel() > 0)
    if len(places) < 2:
        return x
    flat = x.reshape(len(x), -1).copy()
    rows = np.flatnonzero(draws.uniform() < at(severity, 0.05, 0.1, 0.2, 0.35, 0.5))
    first = draws.below(len(places) - 1)[rows]
    left, right = places[first], places[first + 1]
    flat[rows, left], flat[rows, right] = flat[rows, right], flat[rows, left]
    return flat.reshape(x.shape)


def wrong_category(x: Samples, sensors: Sensors, severity: int, draws: SampleDraws) -> Samples:
    """In some rows one code or category is that of another row: a slip of whoever filled in the form."""
    places = np.flatnonzero(sensors.categorical.ravel())
    if not len(places):
        return x
    flat = x.reshape(len(x), -1).copy()
    rows = np.flatnonzero(draws.uniform() < at(severity, 0.05, 0.1, 0.2, 0.35, 0.5))
    place = places[draws.below(len(places))[rows]]
    other = draws.below(len(sensors.background))[rows]
    flat[rows, place] = sensors.background.reshape(len(sensors.background), -1)[other, place]
    return flat.reshape(x.shape)


READING_FAMILIES: dict[str, Family] = {
    family.__name__: family for family in (noise, bias_drift, gain, missing, quantisation, saturation, spikes)
}
"""What can happen to any single reading, in a table or along time."""

TABLE_FAMILIES: dict[str, Family] = READING_FAMILIES | {
    family.__name__: family for family in (ageing, stuck_at, unit_error, swapped_columns, wrong_category)
}


def where_sensors(sensors: Sensors, changed: Samples, x: Samples) -> Samples:
    """The changed values of sensors, and everything else as it was."""
    return np.where(sensors.spread > 0, changed, x)


def _hit(x: Samples, draws: SampleDraws, severity: int) -> NDArray[np.bool_]:
    """Which readings are struck; those struck at a mild severity are struck at every stronger one too."""
    hit: NDArray[np.bool_] = draws.uniform(*x.shape[1:]) < at(severity, 0.01, 0.03, 0.05, 0.1, 0.2)
    return hit
