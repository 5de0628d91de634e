"""Small pictures painted from shapes, seen by an imperfect camera.

A shape tells for every ray whether it meets it, in a frame whose unit circle encloses the object. Everything random
comes from the generator handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIDE = 32
"""Height and width of a picture, in pixels."""
RAYS = 2
"""Rays per pixel along each axis."""

Plane = NDArray[np.float64]
"""`(SIDE * RAYS, SIDE * RAYS)`."""
Shape = Callable[[Plane, Plane], NDArray[np.bool_]]
Colour = tuple[float, float, float]
Scene = NDArray[np.float64]
"""`(3, SIDE * RAYS, SIDE * RAYS)`."""

_TICKS = (np.arange(SIDE * RAYS) + 0.5) / (SIDE * RAYS) * 2 - 1
ROWS, COLUMNS = np.meshgrid(_TICKS, _TICKS, indexing="ij")
"""Where every ray meets the picture, between -1 and 1."""


def polygon(corners: int, radius: float, turn: float) -> Shape:
    """A regular polygon around the centre; its first edge faces `turn` degrees, clockwise from the right."""
    edges = [math.radians(turn + 360 * edge / corners) for edge in range(corners)]
    apothem = radius * math.cos(math.pi / corners)

    def inside(u: Plane, v: Plane) -> NDArray[np.bool_]:
        return np.asarray(np.max([u * math.cos(a) + v * math.sin(a) for a in edges], axis=0) <= apothem)

    return inside


def disc(radius: float, x: float = 0.0, y: float = 0.0) -> Shape:
    """A disc."""
    return lambda u, v: (u - x) ** 2 + (v - y) ** 2 <= radius**2


def bar(width: float, height: float, x: float = 0.0, y: float = 0.0, turn: float = 0.0) -> Shape:
    """A rectangle around `(x, y)`, turned clockwise by degrees."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def inside(u: Plane, v: Plane) -> NDArray[np.bool_]:
        along, across = cos * (u - x) + sin * (v - y), cos * (v - y) - sin * (u - x)
        return np.asarray((np.abs(along) <= width / 2) & (np.abs(across) <= height / 2))

    return inside


def either(*shapes: Shape) -> Shape:
    """The union."""
    return lambda u, v: np.logical_or.reduce([shape(u, v) for shape in shapes])


def without(shape: Shape, hole: Shape) -> Shape:
    """A shape with a hole."""
    return lambda u, v: shape(u, v) & ~hole(u, v)


def background(random: np.random.Generator) -> Scene:
    """Flat blocks in front of a slope of light."""
    slope = random.normal(0, 0.15, size=2)
    light = slope[0] * ROWS + slope[1] * COLUMNS
    scene: Scene = random.uniform(0.2, 0.8, size=(3, 1, 1)) + light
    for _ in range(int(random.integers(1, 5))):
        top, left = random.integers(0, SIDE * RAYS, size=2)
        height, width = random.integers(8, SIDE, size=2)
        scene[:, top : top + height, left : left + width] = random.uniform(0.1, 0.9, size=(3, 1, 1))
    return scene


def frame(random: np.random.Generator, *, turn: float = 15.0) -> tuple[Plane, Plane]:
    """Where every ray meets the object's own frame: scaled, moved, tilted, and turned by up to so many degrees."""
    radius = random.uniform(0.5, 0.9)
    x, y = (axis - (1 - radius) * random.uniform(-0.9, 0.9) for axis in (COLUMNS, ROWS))
    angle = math.radians(random.uniform(-turn, turn))
    u = (math.cos(angle) * x + math.sin(angle) * y) / (radius * random.uniform(0.75, 1.0))
    return u, (math.cos(angle) * y - math.sin(angle) * x) / radius


def paint(scene: Scene, inside: NDArray[np.bool_], colour: Colour | NDArray[np.float64]) -> None:
    """Give all rays inside the same colour."""
    scene[:, inside] = np.asarray(colour, dtype=np.float64)[:, None]


def photograph(scene: Scene, random: np.random.Generator) -> NDArray[np.uint8]:
    """The picture `(3, SIDE, SIDE)` a camera makes of a scene: half hidden at times, exposed, blurred, noisy."""
    if random.random() < 0.3:
        width, (x, y) = random.uniform(0.1, 0.4), random.uniform(-0.8, 0.8, size=2)
        hidden = bar(3.0, width, float(x), float(y), turn=random.uniform(0, 180))
        paint(scene, hidden(COLUMNS, ROWS), random.uniform(0.1, 0.9, size=3))
    picture = scene.reshape(3, SIDE, RAYS, SIDE, RAYS).mean(axis=(2, 4))
    picture = ndimage.gaussian_filter(picture, (0, *[random.uniform(0.0, 0.8)] * 2), mode="nearest")
    exposed = 0.5 + (picture - 0.5) * random.uniform(0.6, 1.1) + random.uniform(-0.15, 0.15)
    noisy = exposed + random.uniform(0.0, 0.03) * random.standard_normal(picture.shape)
    return np.asarray(np.rint(np.clip(noisy, 0, 1) * 255), dtype=np.uint8)
