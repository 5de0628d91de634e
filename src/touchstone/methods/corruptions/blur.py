"""Blur of optics and of movement."""

from __future__ import annotations

import numpy as np

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.optics import (
    Pictures,
    bell,
    between,
    centred_grid,
    convolve,
    disk,
    lines,
    resampled,
    shorter_side,
)
from touchstone.methods.corruptions.severity import at

ZOOM_STEPS = 8
"""Exposures that a zoom blur is made of."""


def defocus_blur(x: Pictures, severity: int, _: SampleDraws) -> Pictures:
    """Lens out of focus: every point becomes a disk."""
    return convolve(x, disk(at(severity, 0.012, 0.02, 0.03, 0.04, 0.055) * shorter_side(x)))


def glass_blur(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Seen through frosted glass: every point is a random neighbour's, twice over, and softened.

    Hendrycks and Dietterich exchange neighbours one pair after the other; here all are looked up at once, which looks
    the same and takes a hundredth of the time.
    """
    reach = np.float32(at(severity, 0.008, 0.014, 0.02, 0.03, 0.04) * shorter_side(x))
    rows, columns = centred_grid(x)
    for _ in range(2):
        away = draws.uniform(2, *x.shape[2:], low=-1, high=1) * reach
        x = resampled(x, rows + away[:, 0], columns + away[:, 1])
    return convolve(x, bell(max(float(reach) / 3, 0.25)))


def motion_blur(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Camera or object moves during exposure, in any direction."""
    length = at(severity, 0.06, 0.09, 0.12, 0.16, 0.2) * shorter_side(x)
    return convolve(x, lines(length, draws.uniform(high=np.pi)))


def zoom_blur(x: Pictures, severity: int, _: SampleDraws) -> Pictures:
    """Camera moves towards the object during exposure."""
    furthest = at(severity, 1.06, 1.1, 1.15, 1.2, 1.26)
    height, width = x.shape[2:]
    total = np.zeros_like(x)
    for zoom in np.linspace(1, furthest, ZOOM_STEPS):
        rows, columns = between(height, height, zoom=zoom), between(width, width, zoom=zoom)
        total += np.matmul(np.matmul(rows, x), columns.T)
    return total / np.float32(ZOOM_STEPS)
