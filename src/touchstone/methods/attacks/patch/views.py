"""Expectation over transformations: each view of a patch differs in place, distance, turn, tilt, light and print.

Athalye et al. 2018, "Synthesizing robust adversarial examples" (ICML). A view follows from :data:`NUMBERS` numbers
drawn for its sample, so that a patch can be moved while everything else about its views stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.patch.placement import Patches, Rows, Surface, Views, land, place
from touchstone.methods.attacks.threat_model import Classes, Samples

Draws = NDArray[np.float64]
"""`(n, views, NUMBERS)`: uniform numbers from 0 to 1."""
Poses = NDArray[np.float64]
"""`(n, 3)`: down and across, as shares of the picture, and the angle at which the attacker sticks the patch."""

NUMBERS: Final = 10
SHIFT: Final = 0.04
"""How far the patch is off its place, as a share of the picture's sides."""
SMALLEST: Final = 0.8
"""Scale of the sides when seen from farthest away; from nearest they fill the surface."""
TURN: Final = float(np.deg2rad(15))
TILT: Final = 0.15
CONTRAST: Final = 0.2
BRIGHTNESS: Final = 0.1
BORDER: Final = 0.1
"""Share of the picture, at each side, where no patch is put that may be anywhere."""
MOST_ELEMENTS: Final = 2**22
"""Elements of pictures with patches on them held at once."""


@dataclass(frozen=True, slots=True)
class Stickers:
    """Patches, and where each of them is stuck; `poses` is `None` where they may be seen anywhere."""

    patches: Patches
    poses: Poses | None

    def __len__(self) -> int:
        return len(self.patches)

    def take(self, rows: Rows) -> Stickers:
        """Some of them, in this order."""
        return Stickers(self.patches[rows], None if self.poses is None else self.poses[rows])


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures `(n, channels, height, width)` that are answered `y`, and the legal range of their values."""

    x: Samples
    y: Classes
    low: float
    high: float


def draws_for(seeds: NDArray[np.int64], purpose: int, views: int) -> Draws:
    """Numbers for `views` views of each sample; another purpose is another stream."""
    return np.stack([np.random.default_rng([int(seed), purpose]).random((views, NUMBERS)) for seed in seeds])


def views_of(draws: Draws, poses: Poses | None) -> Views:
    """The views of all stickers, one row per view."""
    u = draws.reshape(-1, NUMBERS)
    signed = 2 * u - 1
    if poses is None:
        centre, angle = BORDER + (1 - 2 * BORDER) * u[:, :2], np.zeros(len(u))
    else:
        stuck = np.repeat(poses, draws.shape[1], axis=0)
        centre, angle = np.clip(stuck[:, :2] + SHIFT * signed[:, :2], 0, 1), stuck[:, 2]
    return Views(
        centre=centre,
        angle=angle + TURN * signed[:, 3],
        scale=SMALLEST + (1 - SMALLEST) * u[:, 2],
        tilt=TILT * signed[:, 4:6],
        contrast=1 + CONTRAST * signed[:, 6],
        brightness=BRIGHTNESS * signed[:, 7],
        noise=(u[:, 8] * 2**53).astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class Exposed:
    """A portion of the stickers on their pictures, one row per view."""

    x: Samples
    picture: Rows
    """Which picture each row shows."""


def parts(pictures: Pictures, draws: Draws) -> list[slice]:
    """Stickers in portions whose views fit into memory."""
    size = max(1, MOST_ELEMENTS // (max(1, draws.shape[1]) * pictures.x[:1].size))
    return [slice(start, start + size) for start in range(0, len(draws), size)]


def exposed(
    pictures: Pictures, surface: Surface, stickers: Stickers, draws: Draws, shown_on: Rows, part: slice
) -> Exposed:
    """A portion of the stickers in their views.

    `shown_on` `(n, pictures)` are the pictures from which each sticker's views pick.
    """
    height, width = pictures.x.shape[2:]
    some, poses = draws[part], None if stickers.poses is None else stickers.poses[part]
    patches = stickers.patches[part]
    landing = land(views_of(some, poses), surface, patches.shape[-1], height, width)
    picture = picked(some, shown_on[part])
    owner = np.repeat(np.arange(len(some)), some.shape[1])
    x = place(pictures.x[picture], patches, owner, landing, pictures.low, pictures.high)
    return Exposed(x, picture)


def picked(draws: Draws, shown_on: Rows) -> Rows:
    """Which picture each view shows."""
    choice = (draws[..., 9] * shown_on.shape[1]).astype(np.int64)
    return np.take_along_axis(shown_on, choice, axis=1).ravel()
