"""The object elsewhere, nearer, turned or seen from aside; what comes into view continues the edge."""

from __future__ import annotations

import numpy as np

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.optics import Pictures, centred_grid, resampled, shorter_side
from touchstone.methods.corruptions.severity import at

FULL_TURN = 2 * np.pi


def translation(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Object out of the middle, in any direction."""
    distance = np.float32(at(severity, 0.03, 0.06, 0.09, 0.12, 0.16) * shorter_side(x))
    angle = draws.uniform(1, 1, high=FULL_TURN)
    rows, columns = centred_grid(x)
    return resampled(x, rows + distance * np.sin(angle), columns + distance * np.cos(angle))


def rotation(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Camera turned about its axis, to either side."""
    turn = np.float32(np.deg2rad(at(severity, 4, 8, 12, 18, 25))) * draws.signs(1, 1)
    rows, columns = centred_grid(x)
    return resampled(x, np.cos(turn) * rows - np.sin(turn) * columns, np.sin(turn) * rows + np.cos(turn) * columns)


def scaling(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Object nearer or further away than usual."""
    factor = np.exp(np.float32(at(severity, 0.06, 0.11, 0.16, 0.22, 0.3)) * draws.signs(1, 1))
    rows, columns = centred_grid(x)
    return resampled(x, rows * factor, columns * factor)


def shear(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Slanted to either side, as a moving object is by a rolling shutter."""
    slant = np.float32(at(severity, 0.06, 0.11, 0.17, 0.24, 0.32)) * draws.signs(1, 1)
    rows, columns = centred_grid(x)
    return resampled(x, rows, columns + slant * rows)


def perspective(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Seen from the side, from above or below: what is further away is smaller."""
    rows, columns = centred_grid(x)
    tilt = np.float32(at(severity, 0.1, 0.18, 0.26, 0.36, 0.48) / shorter_side(x))
    angle = draws.uniform(1, 1, high=FULL_TURN)
    distance = 1 + tilt * (np.sin(angle) * rows + np.cos(angle) * columns)
    return resampled(x, rows * distance, columns * distance)
