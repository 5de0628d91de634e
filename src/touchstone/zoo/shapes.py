"""Glyphs in any colour on any ground: only their shape tells them apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.zoo.drawing import Shape, background, bar, disc, either, frame, paint, photograph, polygon, without

GLYPHS: tuple[Shape, ...] = (
    disc(0.85),
    without(disc(0.9), disc(0.5)),
    polygon(3, 1.1, -30),
    polygon(4, 1.2, 0),
    either(bar(1.8, 0.45), bar(0.45, 1.8)),
    either(polygon(3, 1.0, -30), polygon(3, 1.0, 30)),
    either(bar(0.4, 1.7, -0.55), bar(1.5, 0.4, 0.0, 0.65)),
    either(bar(0.4, 1.7), bar(1.6, 0.4, 0.0, -0.65)),
    without(disc(0.9), disc(0.75, 0.4, 0.0)),
    either(disc(0.42, -0.45), disc(0.42, 0.45)),
)
"""Classes."""


def draw(label: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """One picture `(3, 32, 32)` of the glyph `label`, clearly brighter or darker than its surroundings."""
    scene = 0.5 * background(random) + 0.25
    colour = np.clip(random.uniform(0.0, 0.25, size=3), 0, 1)
    paint(scene, GLYPHS[label](*frame(random, turn=12)), colour if random.random() < 0.5 else 1 - colour)
    return photograph(scene, random)
