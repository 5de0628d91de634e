"""Where a patch lands on a picture, and what a camera sees of it.

A patch is a square of cells `(channels, cells, cells)` with values from 0 to 1, drawn as a rectangle that is turned,
tilted and scaled. :func:`place` puts patches on pictures; :func:`pull_back` is its derivative, so that whoever knows
how an answer changes with the pixels knows how it changes with the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Samples

Rows = NDArray[np.int64]
Patches = NDArray[np.float32]
"""`(n, channels, cells, cells)`, values from 0 to 1."""

INK: Final = (0.05, 0.92)
"""What a printer makes of the darkest and the brightest value."""
NOISE: Final = 0.04
"""Most that noise moves a printed pixel, as a share of the legal range."""
MOST_CELLS: Final = 48
"""Cells along a side of a patch: more detail than that is lost between printer and camera."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What an attacker may cover: at most this share of the pixels, with a rectangle `aspect` times as wide as high."""

    share: float
    aspect: float = 1.0

    def pixels(self, height: int, width: int) -> int:
        """Most pixels that may be covered."""
        return int(self.share * height * width + 1e-9)

    def half_sides(self, height: int, width: int) -> tuple[float, float]:
        """Half the height and half the width of the untilted rectangle, in pixels."""
        high = (self.share * height * width / self.aspect) ** 0.5 / 2
        return high, self.aspect * high

    def cells(self, height: int, width: int) -> int:
        """Cells along a side of the patch: about one per pixel of its longer side."""
        return int(np.clip(round(2 * max(self.half_sides(height, width))), 2, MOST_CELLS))


@dataclass(frozen=True, slots=True)
class Views:
    """How patches are seen, one view per row."""

    centre: NDArray[np.float64]
    """`(m, 2)`: down and across, as shares of the picture's height and width."""
    angle: NDArray[np.float64]
    scale: NDArray[np.float64]
    """Of the sides, at most 1."""
    tilt: NDArray[np.float64]
    """`(m, 2)`: perspective; how much larger the near edge appears than the middle."""
    contrast: NDArray[np.float64]
    brightness: NDArray[np.float64]
    noise: NDArray[np.int64]
    """Seeds of the noise."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Every pixel that shows a patch: where it is, which cells it shows, and how light and print change them."""

    view: Rows
    row: Rows
    column: Rows
    cells: tuple[Rows, Rows, Rows, Rows]
    """The four cells around each pixel, counted along the rows of the patch."""
    weights: tuple[Samples, Samples, Samples, Samples]
    factor: Samples
    addition: Samples


def land(views: Views, surface: Surface, cells: int, height: int, width: int) -> Landing:
    """Find the pixels of pictures of this size that show the patch.

    Where turning and tilting would cover more pixels than the surface allows, the innermost are kept.
    """
    reach = _reach(views, surface.half_sides(height, width))
    rows = _stretch(views.centre[:, 0] * height, reach, height)
    columns = _stretch(views.centre[:, 1] * width, reach, width)
    across, down = _patch_coordinates(views, surface, (height, width), rows, columns)
    covered = _covered(np.maximum(np.abs(across), np.abs(down)), surface.pixels(height, width))
    view, below, beside = np.nonzero(covered)
    row, column = rows[view, below], columns[view, beside]
    left, right, to_right = _neighbours(across[covered], cells)
    top, bottom, to_bottom = _neighbours(down[covered], cells)
    contrast, brightness = (value[view].astype(np.float32) for value in (views.contrast, views.brightness))
    noise = np.float32(NOISE) * _noise(views.noise[view], row * width + column)
    darkest, brightest = INK
    return Landing(
        view,
        row,
        column,
        (top * cells + left, top * cells + right, bottom * cells + left, bottom * cells + right),
        (
            (1 - to_bottom) * (1 - to_right),
            (1 - to_bottom) * to_right,
            to_bottom * (1 - to_right),
            to_bottom * to_right,
        ),
        np.float32(brightest - darkest) * contrast,
        np.float32(0.5) + np.float32(darkest - 0.5) * contrast + brightness + noise,
    )


def place(x: Samples, patches: Patches, owner: Rows, landing: Landing, low: float, high: float) -> Samples:
    """Pictures `(m, channels, height, width)` with the patch `owner[i]` on picture `i`; legal values are kept."""
    shown = np.float32(low) + np.float32(high - low) * np.clip(_printed(patches, owner, landing), 0, 1)
    placed = x.copy()
    placed[landing.view, :, landing.row, landing.column] = np.clip(shown, low, high)
    return placed


def pull_back(slope: Samples, patches: Patches, owner: Rows, landing: Landing, low: float, high: float) -> Samples:
    """How a quantity changes with the cells, from how it changes with the pixels: the shape of `patches`.

    Pixels that are over- or underexposed do not change with the cells.
    """
    printed = _printed(patches, owner, landing)
    exposed = (printed > 0) & (printed < 1)
    pixel = slope[landing.view, :, landing.row, landing.column] * exposed
    pixel = pixel * (np.float32(high - low) * landing.factor)[:, None]
    count, channels, side = len(patches), patches.shape[1], patches.shape[2]
    result = np.zeros((channels, count * side * side))
    for cells, weights in zip(landing.cells, landing.weights, strict=True):
        place_of = owner[landing.view] * side * side + cells
        for channel in range(channels):
            moved = pixel[:, channel] * weights
            result[channel] += np.bincount(place_of, weights=moved, minlength=count * side * side)
    return np.asarray(result.reshape(channels, count, side, side).swapaxes(0, 1), dtype=np.float32)


def _printed(patches: Patches, owner: Rows, landing: Landing) -> Samples:
    """Values `(pixels, channels)` before the camera cuts them off."""
    count, channels, cells = len(patches), patches.shape[1], patches.shape[2] ** 2
    flat = np.ascontiguousarray(patches.reshape(count, channels, cells).swapaxes(1, 2)).reshape(-1, channels)
    first = owner[landing.view] * cells
    value = np.zeros((len(first), channels), dtype=np.float32)
    for cell, weight in zip(landing.cells, landing.weights, strict=True):
        value += weight[:, None] * flat.take(first + cell, axis=0)
    return np.asarray(value * landing.factor[:, None] + landing.addition[:, None])


def _reach(views: Views, half_sides: tuple[float, float]) -> float:
    """How far from its centre a patch can be seen in any of the views, in pixels."""
    nearest = 1 - np.abs(views.tilt).sum(axis=1).max(initial=0.0)
    return float(np.hypot(*half_sides) * views.scale.max(initial=0.0) / nearest) if nearest > 0 else np.inf


def _stretch(centre: NDArray[np.float64], reach: float, side: int) -> Rows:
    """The rows, or the columns, of each view that lie within reach: the same number for all, `(m, number)`."""
    number = int(min(2 * np.ceil(min(reach, side)) + 1, side))
    first = np.clip(np.floor(centre - number / 2), 0, side - number).astype(np.int64)
    return np.asarray(first[:, None] + np.arange(number))


def _patch_coordinates(
    views: Views, surface: Surface, size: tuple[int, int], rows: Rows, columns: Rows
) -> tuple[Samples, Samples]:
    """Where these pixels lie on the patch: across and down, from -1 to 1; infinite behind the horizon."""
    height, width = size
    half_height, half_width = surface.half_sides(height, width)
    centre, tilt = (value.astype(np.float32)[:, :, None, None] for value in (views.centre, views.tilt))
    angle, scale = (value.astype(np.float32)[:, None, None] for value in (views.angle, views.scale))
    down = (rows.astype(np.float32) + np.float32(0.5))[:, :, None] - np.float32(height) * centre[:, 0]
    across = (columns.astype(np.float32) + np.float32(0.5))[:, None, :] - np.float32(width) * centre[:, 1]
    cosine, sine = np.cos(angle), np.sin(angle)
    wide, high = scale * np.float32(max(half_width, 1e-9)), scale * np.float32(max(half_height, 1e-9))
    flat_across = cosine / wide * across + sine / wide * down
    flat_down = cosine / high * down - sine / high * across
    nearness = 1 - tilt[:, 0] * flat_down - tilt[:, 1] * flat_across
    with np.errstate(divide="ignore"):
        inverse = np.where(nearness > 0, 1 / nearness, np.float32(np.inf))
    with np.errstate(invalid="ignore"):
        return flat_across * inverse, flat_down * inverse


def _covered(level: Samples, most: int) -> NDArray[np.bool_]:
    """Pixels on the patch, never more than `most` in a view."""
    inside = level <= 1
    flat = level.reshape(len(level), level.shape[1] * level.shape[2])
    if most >= flat.shape[1] or not len(flat):
        return inside
    first_too_many = np.partition(flat, most, axis=1)[:, most]
    return np.asarray(inside & (level < first_too_many[:, None, None]))


def _neighbours(position: Samples, cells: int) -> tuple[Rows, Rows, Samples]:
    """The cells before and after a position from -1 to 1, and how far it is on the way."""
    place_of = np.clip((position + 1) / 2 * cells - 0.5, 0, cells - 1)
    before = np.floor(place_of).astype(np.int64)
    return before, np.minimum(before + 1, cells - 1), np.asarray(place_of - before, dtype=np.float32)


def _noise(seeds: NDArray[np.int64], pixels: Rows) -> Samples:
    """Values from -1 to 1 that depend on the view's seed and the pixel alone (SplitMix64, Steele et al. 2014)."""
    state = seeds.astype(np.uint64) + (pixels + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return np.asarray((state >> np.uint64(40)) / 2.0**23 - 1.0, dtype=np.float32)
