"""Random search for the content and the place of a patch by scores: squares of colour, kept when they help.

Croce, Andriushchenko, Singh, Flammarion and Hein 2022, "Sparse-RS: a versatile framework for query-efficient sparse
black-box adversarial attacks" (AAAI), the patch variant: rounds on the content in ever smaller squares, now and then
one on the place in ever smaller moves. Each sticker is judged by the mean over the same views in all rounds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.patch.judging import Worth, worth_in_views
from touchstone.methods.attacks.patch.placement import Patches, Rows, Surface
from touchstone.methods.attacks.patch.views import Draws, Pictures, Poses, Stickers

EVERY: Final = 5
"""Every so many rounds the patch is moved instead of painted."""
LARGEST: Final = 0.6
"""Side of the first squares, and reach of the first moves, as a share of patch and picture."""
JUMPS: Final = 0.3
"""Share of the moves that go anywhere."""
ENOUGH: Final = 1.0
"""What is worth this much in all views cannot get better."""


def search_patches(
    worth: Worth,
    pictures: Pictures,
    surface: Surface,
    start: Stickers,
    draws: Draws,
    shown_on: Rows,
    seeds: NDArray[np.int64],
    *,
    rounds: int,
) -> Stickers:
    """Improve each sticker in `rounds` rounds, with dice of its own."""
    best = Stickers(start.patches.copy(), None if start.poses is None else start.poses.copy())
    dice = np.stack(
        [np.random.default_rng([int(seed), 7]).random((rounds, 4 + start.patches.shape[1])) for seed in seeds]
    )
    value = worth_in_views(worth, pictures, surface, best, draws, shown_on)
    for step in range(rounds):
        rows = np.flatnonzero(value < ENOUGH)
        if not rows.size:
            break
        size = LARGEST * (1 - step / rounds) ** 2
        candidate = best.take(rows)
        if candidate.poses is not None and step % EVERY == EVERY - 1:
            candidate = Stickers(candidate.patches, _moved(candidate.poses, dice[rows, step], size))
        else:
            candidate = Stickers(_painted(candidate.patches, dice[rows, step], size), candidate.poses)
        found = worth_in_views(worth, pictures, surface, candidate, draws[rows], shown_on[rows])
        better = found >= value[rows]
        value[rows[better]] = found[better]
        best.patches[rows[better]] = candidate.patches[better]
        if best.poses is not None and candidate.poses is not None:
            best.poses[rows[better]] = candidate.poses[better]
    return best


def _painted(patches: Patches, dice: NDArray[np.float64], size: float) -> Patches:
    """One square of each patch in another colour."""
    cells = patches.shape[-1]
    side = max(round(size * cells), 1)
    painted = patches.copy()
    for patch, die in zip(painted, dice, strict=True):
        top, left = (int(value * (cells - side + 1)) for value in die[:2])
        patch[:, top : top + side, left : left + side] = np.rint(die[4:])[:, None, None]
    return painted


def _moved(poses: Poses, dice: NDArray[np.float64], size: float) -> Poses:
    """Most a little further, some anywhere: where the answer does not hear of a patch, no small move helps."""
    moved = poses.copy()
    anywhere, place = dice[:, :1] < JUMPS, dice[:, 2:4]
    moved[:, :2] = np.clip(np.where(anywhere, place, poses[:, :2] + size * (2 * place - 1)), 0.05, 0.95)
    return moved
