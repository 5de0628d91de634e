"""Road signs of our own design: an outline, a colour, and a mark on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.zoo.drawing import (
    Colour,
    Shape,
    background,
    bar,
    disc,
    either,
    frame,
    paint,
    photograph,
    polygon,
    without,
)

RED: Colour = (0.8, 0.1, 0.1)
BLUE: Colour = (0.1, 0.25, 0.75)
YELLOW: Colour = (0.95, 0.8, 0.1)
WHITE: Colour = (0.95, 0.95, 0.95)
BLACK: Colour = (0.08, 0.08, 0.08)

_ROUND, _UP, _DOWN = disc(0.97), polygon(3, 1.15, -30), polygon(3, 1.15, 30)
_DIAMOND, _SQUARE, _OCTAGON = polygon(4, 1.05, 45), polygon(4, 1.25, 0), polygon(8, 1.0, 22.5)
_ARROW = either(bar(0.24, 0.8, 0.0, 0.2), polygon(3, 0.5, -30))
_CROSS = either(bar(1.3, 0.26, turn=45), bar(1.3, 0.26, turn=-45))

SIGNS: tuple[tuple[tuple[Shape, Colour], ...], ...] = (
    ((_OCTAGON, RED), (bar(1.2, 0.3), WHITE)),
    ((_DOWN, RED), (polygon(3, 0.65, 30), WHITE)),
    ((_ROUND, RED), (bar(1.2, 0.35), WHITE)),
    ((_ROUND, BLUE), (_ARROW, WHITE)),
    ((_DIAMOND, WHITE), (polygon(4, 0.8, 45), YELLOW)),
    ((_UP, RED), (polygon(3, 0.75, -30), YELLOW), (bar(0.18, 0.55, 0.0, 0.0), BLACK)),
    ((_SQUARE, BLUE), (without(disc(0.6), disc(0.3)), WHITE)),
    ((_ROUND, BLUE), (_CROSS, RED)),
    ((_ROUND, RED), (disc(0.7), WHITE), (either(bar(0.22, 0.8, -0.25), bar(0.22, 0.8, 0.25)), BLACK)),
    ((_SQUARE, WHITE), (_ARROW, BLACK)),
    ((_ROUND, WHITE), (bar(1.7, 0.22, turn=-45), BLACK)),
    ((_DIAMOND, YELLOW), (disc(0.4), BLACK)),
)
"""Classes: shapes painted in order."""


def draw(label: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """One picture `(3, 32, 32)` of the sign `label`."""
    scene = background(random)
    u, v = frame(random)
    fading = random.uniform(0.0, 0.3)
    for shape, colour in SIGNS[label]:
        paint(scene, shape(u, v), (1 - fading) * np.asarray(colour) + fading * 0.6)
    return photograph(scene, random)
