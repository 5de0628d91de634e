"""Weather and light between the object and the sensor, all drawn by formula: no photographs are needed.

Whatever falls or settles is drawn in one channel and laid over all, so that it fits any number of channels.
"""

from __future__ import annotations

import numpy as np

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.optics import (
    Pictures,
    bell,
    centred_grid,
    clouds,
    convolve,
    lines,
    shorter_side,
    stretched,
)
from touchstone.methods.corruptions.severity import at

AIRLIGHT = np.float32(0.88)
"""Brightness of fog in daylight."""
FEATHERS = 3
"""Directions in which frost grows at once."""
RAINDROPS = 0.012
"""Share of places where a streak of rain begins."""


def brightness(x: Pictures, severity: int, _: SampleDraws) -> Pictures:
    """Over-exposure."""
    return x + np.float32(at(severity, 0.1, 0.15, 0.2, 0.25, 0.3))


def fog(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Light from the object is lost and light from the fog is added, more where the fog is thicker (Koschmieder)."""
    thickness = at(severity, 0.25, 0.5, 0.8, 1.15, 1.6) * (0.5 + clouds(x, draws))
    seen = np.exp(-thickness)
    return np.asarray(x * seen + AIRLIGHT * (1 - seen), dtype=np.float32)


def frost(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Ice that grows inwards from the edges of the glass, in feathers that spread from many seeds."""
    rows, columns = centred_grid(x)
    height, width = x.shape[2:]
    edge = np.maximum(np.abs(rows) / (height / 2), np.abs(columns) / (width / 2))[:, None]
    grown = np.float32(at(severity, -0.35, -0.2, -0.05, 0.1, 0.25)) + 0.6 * clouds(x, draws, coarsest=2) + 0.3 * edge**2
    feathers = sum(_needles(x, draws) for _ in range(FEATHERS)) / FEATHERS
    cover = np.clip(grown / 0.35, 0, 1) * (0.45 + 0.5 * feathers)
    return np.asarray(x * (1 - cover) + (0.65 + 0.35 * feathers) * cover, dtype=np.float32)


def snow(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Flakes of several sizes on their slanting way down, over a scene that they whiten."""
    side, angle = shorter_side(x), draws.uniform(low=0.3 * np.pi, high=0.7 * np.pi)
    flakes = np.zeros((len(x), 1, *x.shape[2:]), dtype=np.float32)
    for size, share in ((0.02, 0.35), (0.045, 0.65)):
        grid = [max(2, round(length / max(1.0, size * side))) for length in x.shape[2:]]
        dense = draws.uniform(1, *grid) < at(severity, 0.02, 0.04, 0.06, 0.09, 0.13) * share
        flakes = np.maximum(flakes, stretched(dense.astype(np.float32), *x.shape[2:]))
    fallen = np.clip(1.6 * convolve(flakes, lines(max(1.0, 0.05 * side), angle)), 0, 1)
    veil = np.float32(at(severity, 0.06, 0.11, 0.16, 0.22, 0.28))
    whitened = x * (1 - veil) + veil * np.float32(0.9)
    return np.asarray(whitened + fallen * (1 - whitened), dtype=np.float32)


def rain(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Bright, nearly vertical streaks, about as many whatever the size of the picture."""
    side = shorter_side(x)
    grid = [max(2, round(length / max(1.0, 0.012 * side))) for length in x.shape[2:]]
    drops = stretched((draws.uniform(1, *grid) < RAINDROPS).astype(np.float32), *x.shape[2:])
    streaks = convolve(drops, lines(0.2 * side, np.full(1, 0.45 * np.pi, dtype=np.float32)))
    brightest: Pictures = np.maximum(streaks.max(axis=(2, 3), keepdims=True), np.float32(1e-6))
    veil = np.float32(at(severity, 0.2, 0.3, 0.4, 0.5, 0.65)) * np.clip(streaks / (np.float32(0.6) * brightest), 0, 1)
    return x + veil * (1 - x)


def night(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Little light, and the noise of an amplified sensor."""
    dark = x * np.float32(at(severity, 0.7, 0.55, 0.4, 0.3, 0.2))
    return dark + np.float32(at(severity, 0.01, 0.02, 0.03, 0.04, 0.05)) * draws.normal(*x.shape[1:])


def glare(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """A low sun or a headlamp in the field of view: a bright spot with a wide halo, and less contrast everywhere."""
    rows, columns = centred_grid(x)
    height, width = x.shape[2:]
    place = draws.uniform(2, low=-0.4, high=0.4)[:, :, None, None]
    distance = np.hypot(rows - place[:, 0] * height, columns - place[:, 1] * width)[:, None] / shorter_side(x)
    strength = np.float32(at(severity, 0.3, 0.5, 0.7, 0.9, 1.1))
    light = np.clip(strength * (0.8 * np.exp(-((distance / 0.16) ** 2)) + 0.45 * np.exp(-distance / 0.35)), 0, 1)
    return np.asarray(x + light * (1 - x), dtype=np.float32)


def dirty_lens(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Opaque spots with soft edges over a growing part of the picture."""
    ground = clouds(x, draws, coarsest=2)
    edge = np.quantile(ground, 1 - at(severity, 0.05, 0.1, 0.15, 0.25, 0.35), axis=(2, 3), keepdims=True)
    spots = np.clip((ground - edge.astype(np.float32)) / 0.1 + 0.5, 0, 1)
    cover = np.clip(convolve(spots, bell(max(0.03 * shorter_side(x), 0.5))), 0, 1) * np.float32(0.9)
    return np.asarray(x * (1 - cover) + np.float32(0.25) * cover)


def dust(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Dark grains on the glass or on the part, each of some pixels."""
    side = shorter_side(x)
    grid = [max(2, round(length / max(1.0, 0.02 * side))) for length in x.shape[2:]]
    grains = (draws.uniform(1, *grid) < at(severity, 0.01, 0.02, 0.035, 0.055, 0.08)).astype(np.float32)
    return np.asarray(x * (1 - np.float32(0.85) * stretched(grains, *x.shape[2:])), dtype=np.float32)


def _needles(x: Pictures, draws: SampleDraws) -> Pictures:
    """Grains drawn out in one direction of each picture's own, from 0 to 1."""
    side = shorter_side(x)
    grid = [max(2, round(length / max(1.0, 0.01 * side))) for length in x.shape[2:]]
    grains = stretched(draws.uniform(1, *grid) ** 4, *x.shape[2:])
    drawn = convolve(grains, lines(max(2.0, 0.09 * side), draws.uniform(high=np.pi)))
    lowest: Pictures = drawn.min(axis=(2, 3), keepdims=True)
    highest: Pictures = drawn.max(axis=(2, 3), keepdims=True)
    return np.asarray((drawn - lowest) / np.maximum(highest - lowest, np.float32(1e-6)))
