"""Surfaces told apart by their texture. Nothing was developed on them: they are the task that stays sealed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from touchstone.zoo.drawing import COLUMNS, ROWS, Plane, photograph

Texture = Callable[[Plane, Plane, np.random.Generator], Plane]
"""Height of the surface, about 0 to 1, at every point; a unit of length is one period."""


def _wave(phase: Plane) -> Plane:
    return 0.5 + 0.5 * np.sin(2 * math.pi * phase)


def _cells(u: Plane, v: Plane) -> Plane:
    """Distance from the middle of the unit cell."""
    return np.asarray(np.hypot(u % 1 - 0.5, v % 1 - 0.5))


def _speckle(u: Plane, _: Plane, random: np.random.Generator) -> Plane:
    coarse = ndimage.gaussian_filter(random.standard_normal(u.shape), 1.5)
    return np.asarray(0.5 + 0.3 * coarse / coarse.std())


def _clouds(u: Plane, _: Plane, random: np.random.Generator) -> Plane:
    coarse = ndimage.gaussian_filter(random.standard_normal(u.shape), 6.0)
    return np.asarray(0.5 + 0.3 * coarse / coarse.std())


TEXTURES: tuple[Texture, ...] = (
    lambda u, v, _: np.round(_wave(u)),
    lambda u, v, _: (np.floor(u) + np.floor(v)) % 2,
    lambda u, v, _: (_cells(u, v) < 0.3).astype(np.float64),
    lambda u, v, _: ((_cells(u, v) < 0.42) & (_cells(u, v) > 0.22)).astype(np.float64),
    lambda u, v, _: np.round(_wave(u + 0.35 * np.sin(2 * math.pi * v))),
    lambda u, v, _: (((u + 0.5 * (np.floor(2 * v) % 2)) % 1 > 0.15) & ((2 * v) % 1 > 0.25)).astype(np.float64),
    lambda u, v, _: np.round(_wave(0.8 * np.hypot(u, v))),
    lambda u, v, _: ((u % 1 < 0.25) | (v % 1 < 0.25)).astype(np.float64),
    _speckle,
    _clouds,
)
"""Classes."""


def draw(label: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """One picture `(3, 32, 32)` of the texture `label`, turned and scaled, between two colours that are drawn."""
    angle, periods = math.radians(random.uniform(-25, 25)), random.uniform(1.8, 2.8)
    x, y = periods * COLUMNS + random.uniform(-1, 1), periods * ROWS + random.uniform(-1, 1)
    u, v = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
    height = np.clip(TEXTURES[label](u, v, random), 0, 1)
    dark, bright = random.uniform(0.0, 0.4, size=(3, 1, 1)), random.uniform(0.6, 1.0, size=(3, 1, 1))
    return photograph(dark + (bright - dark) * height, random)
