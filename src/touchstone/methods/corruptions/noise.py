"""Noise of a sensor that is amplified, starved of light or broken."""

from __future__ import annotations

import numpy as np

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.optics import Pictures
from touchstone.methods.corruptions.severity import at


def gaussian_noise(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Read-out noise of the sensor."""
    return x + np.float32(at(severity, 0.04, 0.06, 0.08, 0.12, 0.16)) * draws.normal(*x.shape[1:])


def shot_noise(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Few photons: the noise grows with the light."""
    photons = np.float32(at(severity, 500, 250, 100, 60, 30))
    return draws.poisson(x * photons) / photons


def impulse_noise(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Single values driven to black or white by bit errors or dead cells."""
    hit = draws.uniform(*x.shape[1:]) < at(severity, 0.01, 0.02, 0.03, 0.06, 0.1)
    return np.where(hit, np.rint(draws.uniform(*x.shape[1:])), x)
