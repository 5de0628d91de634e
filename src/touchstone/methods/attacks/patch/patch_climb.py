"""Patches along the gradient, each step in views that were not seen before (expectation over transformations).

Brown et al. 2017, "Adversarial patch"; Athalye et al. 2018. Steps follow the sign of a moving average of the gradient,
long ones first. The gradient of the pictures comes from outside; how it reaches the cells is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.patch.placement import Rows, Surface, land, place, pull_back
from touchstone.methods.attacks.patch.views import (
    NUMBERS,
    Draws,
    Pictures,
    Stickers,
    parts,
    picked,
    views_of,
)
from touchstone.methods.attacks.threat_model import Classes, Samples

Slope = Callable[[Samples, Classes, Classes], Samples]
"""From pictures, their classes and the classes wanted instead (-1: any) to the gradient of what the attacker wants."""

LONGEST: Final = 0.25
SHORTEST: Final = 0.02
"""First and last step, in the patch's values from 0 to 1."""
MOMENTUM: Final = 0.7


def climb_patches(
    slope: Slope,
    pictures: Pictures,
    surface: Surface,
    start: Stickers,
    wanted: Classes,
    shown_on: Rows,
    seeds: NDArray[np.int64],
    *,
    steps: int,
    views: int,
) -> Stickers:
    """Improve the patches, each with dice of its own, towards its `wanted` class (-1: any other than the right one)."""
    patches = start.patches.copy()
    shape = pictures.x.shape[2:]
    for part in parts(pictures, np.empty((len(patches), views, 0))):
        poses = None if start.poses is None else start.poses[part]
        dice = [np.random.default_rng([int(seed), 8]) for seed in seeds[part]]
        average = np.zeros_like(patches[part])
        for step in range(steps):
            draws: Draws = np.stack([die.random((views, NUMBERS)) for die in dice])
            landing = land(views_of(draws, poses), surface, patches.shape[-1], *shape)
            owner = np.repeat(np.arange(len(dice)), views)
            picture = picked(draws, shown_on[part])
            x = place(pictures.x[picture], patches[part], owner, landing, pictures.low, pictures.high)
            pixels = slope(x, pictures.y[picture], wanted[part][owner])
            cells = pull_back(pixels, patches[part], owner, landing, pictures.low, pictures.high)
            size = np.maximum(np.abs(cells).mean(axis=(1, 2, 3), keepdims=True), np.float32(1e-30))
            average = np.float32(MOMENTUM) * average + cells / size
            length = np.float32(LONGEST * (SHORTEST / LONGEST) ** (step / max(steps - 1, 1)))
            patches[part] = np.clip(patches[part] + length * np.sign(average), 0, 1)
    return Stickers(patches, start.poses)
