"""Textures without knowledge of the model: every texture in every pose, answered by labels only.

All are tried in one view each, those that changed an answer in several more, and the best of these is taken. Where
nothing changed an answer, chance decides.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.patch.judging import Worth, worth_in_views
from touchstone.methods.attacks.patch.placement import Patches, Rows, Surface
from touchstone.methods.attacks.patch.views import Draws, Pictures, Poses, Stickers

FINALISTS: Final = 6


def search_textures(
    worth: Worth,
    pictures: Pictures,
    surface: Surface,
    textures: Patches,
    poses: Poses | None,
    draws: Draws,
    shown_on: Rows,
    *,
    first: int = 1,
) -> Stickers:
    """The best of `textures` `(n, kinds, channels, cells, cells)` in `poses` `(places, 3)` for each of the n stickers.

    `first` is the number of views, among those drawn, in which all are tried.
    """
    count, kinds = textures.shape[:2]
    tried = kinds * (1 if poses is None else len(poses))

    def candidate(choice: NDArray[np.int64]) -> Stickers:
        kind, place = choice % kinds, choice // kinds
        return Stickers(textures[np.arange(count), kind], None if poses is None else poses[place])

    early = np.stack(
        [
            worth_in_views(worth, pictures, surface, candidate(np.full(count, one)), draws[:, :first], shown_on)
            for one in range(tried)
        ],
        axis=1,
    )
    # Equal ones in an order of chance, each sample's own: its draws are never equal.
    chance = np.stack([np.argsort(np.random.default_rng(_seed(one)).random(tried)) for one in draws[:, 0, 8]])
    order = np.lexsort((chance, -early), axis=1)[:, :FINALISTS]
    late = np.stack(
        [
            worth_in_views(worth, pictures, surface, candidate(order[:, place]), draws, shown_on)
            for place in range(order.shape[1])
        ],
        axis=1,
    )
    return candidate(order[np.arange(count), late.argmax(axis=1)])


def _seed(draw: float) -> int:
    return int(draw * 2**53)
