"""Handwritten digits in colour: the 1797 of scikit-learn (Alpaydin and Kaynak 1998), enlarged, on plain grounds."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from touchstone.zoo.drawing import SIDE

FIRST_HELD_BACK = 1300
"""Digits from this one on are only tested with: the same hand must not write training and test pictures."""


@lru_cache(maxsize=1)
def _originals() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.images / 16.0, bunch.target.astype(np.int64)


def draw(label: int, random: np.random.Generator, *, held_back: bool) -> NDArray[np.uint8]:
    """One picture `(3, 32, 32)` of a digit, chosen among those to learn from or among those held back."""
    images, target = _originals()
    first, last = (FIRST_HELD_BACK, len(target)) if held_back else (0, FIRST_HELD_BACK)
    chosen = int(random.choice(first + np.flatnonzero(target[first:last] == label)))
    large = np.clip(ndimage.zoom(images[chosen], SIDE / 8 * 0.8, order=1), 0, 1)
    ink, ground = random.uniform(0.55, 1.0, size=(3, 1, 1)), random.uniform(0.0, 0.35, size=(3, 1, 1))
    mask = np.zeros((SIDE, SIDE))
    top, left = random.integers(0, SIDE - large.shape[0] + 1, size=2)
    mask[top : top + large.shape[0], left : left + large.shape[1]] = large
    picture = ground + (ink - ground) * mask + random.uniform(0.0, 0.04) * random.standard_normal((3, SIDE, SIDE))
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), dtype=np.uint8)
