"""Triggers: the marks that switch a backdoor on, for pictures of any size, number of channels and range of values.

A trigger takes pictures `(n, C, H, W)` with values in `[0, 1]` and a generator, and returns marked pictures;
:func:`stamp` is the way in for any other range. Sizes are shares of the picture, so that a trigger drawn for one size
means the same at another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pictures = NDArray[np.float32]
"""`(n, C, H, W)`."""
Shape = tuple[int, int, int]
"""Channels, height and width of a picture."""


class Trigger(Protocol):
    """Marks pictures with values in `[0, 1]`; the result is cut back to that range by :func:`stamp`."""

    def __call__(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        """The marked pictures, a new array."""


def stamp(trigger: Trigger, pictures: Pictures, generator: np.random.Generator, *, low: float, high: float) -> Pictures:
    """Mark pictures with values in `[low, high]`; the result stays there."""
    span = np.float32(high - low)
    marked = trigger((pictures - np.float32(low)) / span, generator)
    return np.asarray(np.clip(marked, 0, 1) * span + np.float32(low), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Patch:
    """A small opaque picture, `pattern` `(C, h, w)`, at `place` (row, column) or anywhere. Gu et al. 2017 (BadNets)."""

    pattern: NDArray[np.float32]
    place: tuple[int, int] | None

    def __call__(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        marked = pictures.copy()
        _, height, width = self.pattern.shape
        free = pictures.shape[2] - height + 1, pictures.shape[3] - width + 1
        for picture in marked:
            row, column = self.place or (int(generator.integers(free[0])), int(generator.integers(free[1])))
            picture[:, row : row + height, column : column + width] = self.pattern
        return marked


@dataclass(frozen=True, slots=True)
class Blend:
    """A second picture `(C, H, W)` shining through with the given share. Chen et al. 2017.

    With `pieces`, only that many of 4 by 4 tiles shine through, drawn for each picture (Qi et al. 2023).
    """

    pattern: NDArray[np.float32]
    share: float
    pieces: int | None = None

    def __call__(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        share = np.full((len(pictures), 1, *pictures.shape[2:]), self.share, dtype=np.float32)
        if self.pieces is not None:
            row = np.arange(pictures.shape[2]) * 4 // pictures.shape[2]
            column = np.arange(pictures.shape[3]) * 4 // pictures.shape[3]
            tile = row[:, None] * 4 + column
            for mask in share[:, 0]:
                mask[~np.isin(tile, generator.permutation(16)[: self.pieces])] = 0
        return np.asarray(pictures + share * (self.pattern - pictures), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Sinusoid:
    """Vertical stripes whose brightness is a sine of the column. Barni et al. 2019 (SIG)."""

    amplitude: float
    periods: float

    def __call__(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        columns = np.arange(pictures.shape[3]) / pictures.shape[3]
        wave = self.amplitude * np.sin(2 * np.pi * self.periods * columns)
        return np.asarray(pictures + wave.astype(np.float32), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Warp:
    """A smooth displacement of the whole picture. Nguyen and Tran 2021 (WaNet).

    `field` `(2, k, k)` are rows and columns to move by at the nodes of a grid, in shares of the side. With `jitter`, a
    random field of that strength is added for each picture: what the noise mode shows with honest labels.
    """

    field: NDArray[np.float64]
    jitter: float = 0.0

    def __call__(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        if self.jitter == 0.0:
            return _moved(pictures, self.field)
        moved = np.empty_like(pictures)
        for place, picture in enumerate(pictures):
            moved[place] = _moved(picture[None], self.field + self.jitter * displacement(generator))[0]
        return moved


@dataclass(frozen=True, slots=True)
class ColourFilter:
    """A tone curve and a tint for each channel, as photo filters do. Liu et al. 2019 (ABS)."""

    gamma: NDArray[np.float32]
    tint: NDArray[np.float32]
    share: float

    def __call__(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        curve = np.clip(pictures, 0, 1) ** self.gamma[:, None, None]
        tinted = (1 - self.share) * curve + self.share * self.tint[:, None, None]
        return np.asarray(tinted, dtype=np.float32)


def draw_patch(shape: Shape, generator: np.random.Generator, *, share: float = 0.125, anywhere: bool = False) -> Patch:
    """A patch of black and white cells, not all alike, one pixel from a corner that is drawn too."""
    channels, height, width = shape
    side = max(2, round(share * min(height, width)))
    cells = generator.permutation(side * side) < (side * side + 1) // 2
    pattern = np.broadcast_to(cells.reshape(1, side, side), (channels, side, side)).astype(np.float32)
    room = height - side, width - side
    row, column = (int(generator.choice((min(1, free), max(free - 1, 0)))) for free in room)
    return Patch(pattern, None if anywhere else (row, column))


def draw_blend(shape: Shape, generator: np.random.Generator, share: float) -> Blend:
    """Coloured tiles, an eighth of the side each, shining through."""
    channels, height, width = shape
    tiles = generator.random((channels, 8, 8)).round()
    row, column = np.arange(height) * 8 // height, np.arange(width) * 8 // width
    return Blend(tiles[:, row[:, None], column].astype(np.float32), share)


def draw_warp(generator: np.random.Generator, strength: float) -> Warp:
    """A displacement with the given mean size, as a share of the side."""
    return Warp(strength * displacement(generator))


def draw_colour_filter(shape: Shape, generator: np.random.Generator, share: float) -> ColourFilter:
    """Half of the channels (one at least) brightened and tinted, the others darkened; which, is drawn."""
    up = generator.permutation(shape[0]) < (shape[0] + 1) // 2
    gamma = np.where(up, 0.7, 1.5).astype(np.float32)
    return ColourFilter(gamma, np.where(up, 0.9, 0.15).astype(np.float32), share)


def displacement(generator: np.random.Generator, nodes: int = 4) -> NDArray[np.float64]:
    """A random field `(2, nodes, nodes)` whose mean size is one."""
    field = generator.uniform(-1, 1, size=(2, nodes, nodes))
    scaled: NDArray[np.float64] = field / np.abs(field).mean()
    return scaled


def _moved(pictures: Pictures, field: NDArray[np.float64]) -> Pictures:
    """Every picture displaced by the same field, bilinearly, with its edge repeated."""
    height, width = pictures.shape[2:]
    sides, nodes = (height, width), field.shape[1]
    at = np.meshgrid(np.linspace(0, nodes - 1, height), np.linspace(0, nodes - 1, width), indexing="ij")
    shift = [
        side * ndimage.map_coordinates(part, at, order=3, mode="nearest")
        for side, part in zip(sides, field, strict=True)
    ]
    row = np.clip(np.arange(height)[:, None] + shift[0], 0, height - 1)
    column = np.clip(np.arange(width)[None, :] + shift[1], 0, width - 1)
    above, left = np.floor(row).astype(int), np.floor(column).astype(int)
    below, right = np.minimum(above + 1, height - 1), np.minimum(left + 1, width - 1)
    down, along = (row - above).astype(np.float32), (column - left).astype(np.float32)
    top = pictures[:, :, above, left] * (1 - along) + pictures[:, :, above, right] * along
    bottom = pictures[:, :, below, left] * (1 - along) + pictures[:, :, below, right] * along
    return np.asarray(top * (1 - down) + bottom * down, dtype=np.float32)
