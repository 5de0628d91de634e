"""What stays the same when a picture is stored again, made brighter or noisier: its low frequencies.

A perceptual hash (Zauner 2010) without its last step: the coefficients are kept as numbers, not cut to bits, so that
distances can be compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 32
KEPT = 12
"""Frequencies kept along each axis."""
_AT_ONCE = 256


def low_frequencies(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pictures `(n, channels, height, width)` as `(n, channels * KEPT**2 - 1)`, of length one.

    The mean brightness is left out and the contrast divided away; the channels are turned into their mean and their
    differences from it, so that colour counts.
    """
    parts = [_of_portion(pictures[at : at + _AT_ONCE]) for at in range(0, len(pictures), _AT_ONCE)]
    return np.concatenate(parts)


def _of_portion(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.fft import dctn

    small = _along(_along(pictures.astype(np.float32), 2), 3)
    mean = small.mean(axis=1, keepdims=True)
    planes = np.concatenate([mean, (small - mean)[:, 1:]], axis=1)
    coefficients = dctn(planes, axes=(2, 3), norm="ortho")[:, :, :KEPT, :KEPT].reshape(len(pictures), -1)[:, 1:]
    length = np.linalg.norm(coefficients, axis=1, keepdims=True)
    return np.asarray(coefficients / np.where(length > 0, length, 1.0), dtype=np.float32)


def _along(pictures: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Averages of equal parts along one axis, at most `SIDE` of them."""
    size = pictures.shape[axis]
    if size <= SIDE:
        return pictures
    starts = np.linspace(0, size, SIDE + 1).astype(np.int64)
    sums = np.add.reduceat(pictures, starts[:-1], axis=axis)
    shape = [1, 1, 1, 1]
    shape[axis] = SIDE
    return np.asarray(sums / np.diff(starts).reshape(shape), dtype=np.float32)
