"""Light that changes without an attacker: dusk, glare, backlight, a shadow across the picture, a coloured lamp."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Samples

Light = Callable[[Samples, NDArray[np.float32]], Samples]
"""From pictures from 0 to 1 and one number from 0 to 1 for each to the pictures in another light."""


def relit(name: str, x: Samples, seeds: NDArray[np.int64], *, low: float, high: float) -> Samples:
    """Pictures `(n, channels, height, width)` in one of the :data:`LIGHTS`, each with the dice of its own seed."""
    dice = np.array([np.random.default_rng([int(seed), 5]).random() for seed in seeds], dtype=np.float32)
    unit = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    changed = np.clip(LIGHTS[name](unit, dice[:, None, None, None]), 0, 1)
    return np.asarray(np.clip(low + changed * (high - low), low, high), dtype=np.float32)


def dusk(x: Samples, dice: NDArray[np.float32]) -> Samples:
    """A third to half of the light is left."""
    return np.asarray(x * (np.float32(0.35) + np.float32(0.2) * dice))


def glare(x: Samples, dice: NDArray[np.float32]) -> Samples:
    """A bright veil over everything."""
    veil = np.float32(0.2) + np.float32(0.2) * dice
    return np.asarray(x * (1 - veil) + veil)


def backlight(x: Samples, dice: NDArray[np.float32]) -> Samples:
    """Flat and dark: half of the contrast, three quarters of the light."""
    mean: Samples = x.mean(axis=(1, 2, 3), keepdims=True)
    flat = mean + np.float32(0.5) * (x - mean)
    return np.asarray(flat * (np.float32(0.65) + np.float32(0.2) * dice))


def shadow(x: Samples, dice: NDArray[np.float32]) -> Samples:
    """A straight shadow over half of the picture, from any side."""
    height, width = x.shape[2:]
    angle = np.float32(2 * np.pi) * dice
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    dark = np.sin(angle) * down + np.cos(angle) * across > 0
    return np.where(dark, np.float32(0.4) * x, x)


def coloured(x: Samples, dice: NDArray[np.float32]) -> Samples:
    """A lamp that lacks one end of the spectrum; grey pictures only get darker."""
    channels = x.shape[1]
    ramp = np.linspace(1, 0.6, channels, dtype=np.float32)[None, :, None, None]
    return x * np.where(dice < 0.5, ramp, ramp[:, ::-1])


LIGHTS: dict[str, Light] = {light.__name__: light for light in (dusk, glare, backlight, shadow, coloured)}
