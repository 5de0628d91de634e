"""Corruptions of pictures, for any size and number of channels.

A family takes pictures `(n, channels, height, width)` with values in `[0, 1]`, a severity from 1 to 5 and the random
numbers of each sample. What it returns is cut back to `[0, 1]` by :func:`corrupt_pictures`, the only way in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from touchstone.methods.corruptions import blur, digital, geometry, noise, weather
from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.optics import Pictures

Family = Callable[[Pictures, int, SampleDraws], Pictures]

PICTURE_FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        noise.gaussian_noise,
        noise.shot_noise,
        noise.impulse_noise,
        blur.defocus_blur,
        blur.glass_blur,
        blur.motion_blur,
        blur.zoom_blur,
        weather.snow,
        weather.frost,
        weather.fog,
        weather.brightness,
        weather.rain,
        weather.night,
        weather.dirty_lens,
        digital.contrast,
        digital.elastic,
        digital.pixelate,
        digital.jpeg,
        digital.colour_drift,
        geometry.translation,
        geometry.rotation,
        geometry.scaling,
        geometry.shear,
        geometry.perspective,
    )
}
"""What any camera may meet: the fifteen families of ImageNet-C, and rain, night, dirt, colour and geometry."""

CONDITION_FAMILIES: dict[str, Family] = PICTURE_FAMILIES | {
    family.__name__: family for family in (weather.glare, weather.dust, digital.tone_curve, digital.dimming)
}
"""What conditions of an operating domain are composed of: also what only some places and devices have."""


def corrupt_pictures(
    family: str, pictures: Pictures, severity: int, draws: SampleDraws, *, low: float, high: float
) -> Pictures:
    """Apply one of :data:`CONDITION_FAMILIES` to pictures with values in `[low, high]`; the result stays there."""
    if severity == 0:
        return pictures
    unit = np.clip((pictures - np.float32(low)) / np.float32(high - low), 0, 1)
    corrupted = np.clip(CONDITION_FAMILIES[family](unit, severity, draws), 0, 1)
    return np.asarray(np.clip(low + corrupted * (high - low), low, high), dtype=np.float32)
