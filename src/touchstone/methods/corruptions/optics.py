"""What corruptions of pictures are made of: convolution, resampling, clouds.

Every function works on each picture by itself, with the same arithmetic whatever the size of the batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from touchstone.methods.corruptions.draws import SampleDraws

Pictures = NDArray[np.float32]
"""`(n, channels, height, width)`, values in `[0, 1]`."""

FINEST_OCTAVE = 0.01
"""Octaves of a cloud that are weaker than this are not seen."""


def shorter_side(x: Pictures) -> int:
    """Lengths are given in parts of it."""
    height, width = x.shape[2:]
    return int(min(height, width))


def convolve(x: Pictures, kernels: NDArray[np.float64]) -> Pictures:
    """Blur with kernels `(1 or n, k, k)` of odd width that are scaled to a sum of one; edges are continued.

    By Fourier transform: the time does not grow with the width of the kernel.
    """
    weights = (kernels / kernels.sum(axis=(1, 2), keepdims=True)).astype(np.float32)[:, None]
    reach = weights.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="edge")
    size = [fft.next_fast_len(length, real=True) for length in padded.shape[2:]]
    spectrum = fft.rfft2(weights, size)
    blurred = np.empty_like(x)
    height, width = x.shape[2:]
    for row in range(len(x)):
        full = fft.irfft2(fft.rfft2(padded[row], size) * spectrum[row % len(spectrum)], size)
        blurred[row] = full[:, 2 * reach : 2 * reach + height, 2 * reach : 2 * reach + width]
    return blurred


def disk(radius: float) -> NDArray[np.float64]:
    """A filled circle with a soft edge, `(1, k, k)`."""
    reach = np.arange(-int(np.ceil(radius)), int(np.ceil(radius)) + 1)
    return np.clip(radius + 1 - np.hypot(reach[:, None], reach[None, :]), 0, 1)[None]


def lines(length: float, angles: NDArray[np.float32]) -> NDArray[np.float64]:
    """Lines through the middle of kernels `(n, k, k)`, with soft edges; an angle of 0 is along the rows."""
    reach = int(np.ceil(length / 2))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    cosine, sine = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    along = np.abs(columns * cosine + rows * sine)
    across = np.abs(rows * cosine - columns * sine)
    return np.asarray(np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1))


def bell(width: float) -> NDArray[np.float64]:
    """A Gaussian of that standard deviation, `(1, k, k)`."""
    reach = np.arange(-int(np.ceil(3 * width)), int(np.ceil(3 * width)) + 1)
    slope = np.exp(-0.5 * (reach / width) ** 2)
    return np.asarray(slope[:, None] * slope[None, :])[None]


def between(length: int, points: int, *, zoom: float = 1.0) -> Pictures:
    """Matrix `(length, points)` that interpolates linearly between points spread evenly over `length` pixels.

    `zoom` above one spreads the middle part of the points over all pixels.
    """
    place = (np.linspace(0, points - 1, length) - (points - 1) / 2) / zoom + (points - 1) / 2
    left = np.clip(np.floor(place).astype(np.int64), 0, max(points - 2, 0))
    share = np.clip(place - left, 0, 1)
    matrix = np.zeros((length, points), dtype=np.float32)
    matrix[np.arange(length), left] = 1 - share
    matrix[np.arange(length), np.minimum(left + 1, points - 1)] += share
    return matrix


def stretched(points: Pictures, height: int, width: int) -> Pictures:
    """Fields given at few points `(n, channels, rows, columns)`, drawn out to `height` by `width`."""
    rows, columns = between(height, points.shape[2]), between(width, points.shape[3])
    return np.asarray(np.matmul(np.matmul(rows, points), columns.T))


def clouds(x: Pictures, draws: SampleDraws, *, coarsest: int = 1) -> Pictures:
    """Fractal fields `(n, 1, height, width)` from 0 to 1: octaves of random grids, each half as strong.

    `coarsest` is the number of cells of the first octave along each side: the more, the smaller the patches.
    """
    height, width = x.shape[2:]
    field = np.zeros((len(x), 1, height, width), dtype=np.float32)
    cells, strength = coarsest, 1.0
    while cells < 2 * max(height, width) and strength > FINEST_OCTAVE:
        field += np.float32(strength) * stretched(draws.uniform(1, cells + 1, cells + 1), height, width)
        cells, strength = cells * 2, strength / 2
    lowest: Pictures = field.min(axis=(2, 3), keepdims=True)
    highest: Pictures = field.max(axis=(2, 3), keepdims=True)
    return np.asarray((field - lowest) / np.maximum(highest - lowest, np.float32(1e-6)))


def centred_grid(x: Pictures) -> tuple[Pictures, Pictures]:
    """Rows and columns of the pixels `(1, height, width)`, counted from the middle."""
    height, width = x.shape[2:]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return (rows - np.float32((height - 1) / 2))[None], (columns - np.float32((width - 1) / 2))[None]


def resampled(x: Pictures, rows: NDArray[np.floating], columns: NDArray[np.floating]) -> Pictures:
    """What lies at the given places `(n, height, width)`, counted from the middle; edges are continued."""
    n, channels, height, width = x.shape
    row = np.clip(rows + np.float32((height - 1) / 2), 0, height - 1)
    column = np.clip(columns + np.float32((width - 1) / 2), 0, width - 1)
    row, column = np.broadcast_to(row, (n, height, width)), np.broadcast_to(column, (n, height, width))
    top, left = row.astype(np.int64), column.astype(np.int64)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = (row - top)[:, None], (column - left)[:, None]
    flat = x.reshape(n, channels, height * width)

    def value(r: NDArray[np.int64], c: NDArray[np.int64]) -> Pictures:
        place = (r * width + c).reshape(n, 1, height * width)
        return np.take_along_axis(flat, place, axis=2).reshape(x.shape)

    upper = value(top, left) * (1 - across) + value(top, right) * across
    lower = value(bottom, left) * (1 - across) + value(bottom, right) * across
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)
