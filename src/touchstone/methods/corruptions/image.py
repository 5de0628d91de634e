"""Corruptions of pictures, for any size and number of channels.

A family takes pictures `(n, channels, height, width)` with values in `[0, 1]`, a severity from 1 to 5 and a
generator. What it returns is cut back to `[0, 1]` by :func:`corrupt_pictures`, the only way in.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pictures = NDArray[np.float32]
Family = Callable[[Pictures, int, np.random.Generator], Pictures]

SEVERITIES = (1, 2, 3, 4, 5)


def corrupt_pictures(
    family: str, pictures: Pictures, severity: int, generator: np.random.Generator, *, low: float, high: float
) -> Pictures:
    """Apply one of :data:`PICTURE_FAMILIES` to pictures with values in `[low, high]`; the result stays there."""
    if severity == 0:
        return pictures
    unit = np.clip((pictures - np.float32(low)) / np.float32(high - low), 0, 1)
    corrupted = np.clip(PICTURE_FAMILIES[family](unit, severity, generator), 0, 1)
    return np.asarray(np.clip(low + corrupted * (high - low), low, high), dtype=np.float32)


def gaussian_noise(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Read-out noise of the sensor."""
    return x + _at(severity, 0.04, 0.06, 0.08, 0.12, 0.16) * generator.standard_normal(x.shape, dtype=np.float32)


def shot_noise(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Few photons: the noise grows with the light."""
    photons = _at(severity, 500, 250, 100, 60, 30)
    return (generator.poisson(x * photons) / photons).astype(np.float32)


def impulse_noise(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Single values driven to black or white by bit errors or dead cells."""
    hit = generator.random(x.shape, dtype=np.float32) < _at(severity, 0.01, 0.02, 0.03, 0.06, 0.1)
    return np.where(hit, np.rint(generator.random(x.shape, dtype=np.float32)), x)


def defocus_blur(x: Pictures, severity: int, _: np.random.Generator) -> Pictures:
    """Lens out of focus: every point becomes a disk."""
    radius = _at(severity, 0.012, 0.02, 0.03, 0.04, 0.055) * _side(x)
    cells = int(np.ceil(radius))
    reach = np.arange(-cells, cells + 1)
    distance = np.hypot(reach[:, None], reach[None, :])
    return _convolve(x, np.clip(radius + 1 - distance, 0, 1))


def motion_blur(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Camera or object moves during exposure, in one of eight directions."""
    length = _at(severity, 0.06, 0.09, 0.12, 0.16, 0.2) * _side(x)
    direction = generator.integers(8, size=len(x))
    blurred = x.copy()
    for index in range(8):
        blurred[direction == index] = _convolve(x[direction == index], _line(length, np.pi * index / 8))
    return blurred


def brightness(x: Pictures, severity: int, _: np.random.Generator) -> Pictures:
    """Over-exposure."""
    return x + _at(severity, 0.1, 0.15, 0.2, 0.25, 0.3)


def contrast(x: Pictures, severity: int, _: np.random.Generator) -> Pictures:
    """Flat light: values shrink towards the mean of the picture."""
    mean: Pictures = x.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(mean + _at(severity, 0.75, 0.6, 0.45, 0.3, 0.2) * (x - mean), dtype=np.float32)


def fog(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """A bright veil of uneven thickness."""
    veil = _at(severity, 0.2, 0.4, 0.6, 0.9, 1.3) * _plasma(x, generator)
    thickest: Pictures = veil.max(axis=(2, 3), keepdims=True)
    return np.asarray((x + veil) / (1 + thickest), dtype=np.float32)


def rain(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Bright, nearly vertical streaks."""
    n, _, height, width = x.shape
    drops = (generator.random((n, 1, height, width), dtype=np.float32) < 0.02).astype(np.float32)
    streaks = _convolve(drops, _line(0.25 * _side(x), np.pi * 0.45))
    brightest: Pictures = np.maximum(streaks.max(axis=(2, 3), keepdims=True), np.float32(1e-6))
    veil = _at(severity, 0.15, 0.25, 0.35, 0.45, 0.6) * streaks / brightest
    return x + veil * (1 - x)


def night(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Little light, and the noise of an amplified sensor."""
    dark = x * _at(severity, 0.7, 0.55, 0.4, 0.3, 0.2)
    return dark + _at(severity, 0.01, 0.02, 0.03, 0.04, 0.05) * generator.standard_normal(x.shape, dtype=np.float32)


def dirty_lens(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Opaque spots with soft edges over a growing part of the picture."""
    share = _at(severity, 0.05, 0.1, 0.15, 0.25, 0.35)
    ground = _plasma(x, generator)
    edge = np.quantile(ground, 1 - share, axis=(2, 3), keepdims=True).astype(np.float32)
    cover: Pictures = np.clip((ground - edge) / 0.1 + 0.5, 0, 1) * 0.85
    return x * (1 - cover) + 0.25 * cover


def pixelate(x: Pictures, severity: int, _: np.random.Generator) -> Pictures:
    """Low resolution: averaged over coarse cells."""
    share = _at(severity, 0.75, 0.6, 0.5, 0.4, 0.3)
    return np.swapaxes(_coarse(np.swapaxes(_coarse(x, share), 2, 3), share), 2, 3)


def jpeg(x: Pictures, severity: int, _: np.random.Generator) -> Pictures:
    """Strong JPEG compression; pictures that are neither grey nor RGB are compressed channel by channel."""
    quality = int(_at(severity, 60, 40, 25, 15, 8))
    octets = np.rint(x * 255).astype(np.uint8)
    if x.shape[1] == 3:
        compressed = [_through_jpeg(picture.transpose(1, 2, 0), quality).transpose(2, 0, 1) for picture in octets]
    else:
        compressed = [np.stack([_through_jpeg(channel, quality) for channel in picture]) for picture in octets]
    return np.stack(compressed).astype(np.float32) / np.float32(255)


def rotation(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Camera turned about its axis, to either side."""
    angle = np.deg2rad(_at(severity, 4, 8, 12, 18, 25)) * generator.choice([-1.0, 1.0], size=len(x))
    rows, columns = _centred_grid(x)
    turn = angle[:, None, None]
    return _sample(x, np.cos(turn) * rows - np.sin(turn) * columns, np.sin(turn) * rows + np.cos(turn) * columns)


def translation(x: Pictures, severity: int, generator: np.random.Generator) -> Pictures:
    """Object out of the middle, in any direction; edges are continued."""
    distance = _at(severity, 0.03, 0.06, 0.09, 0.12, 0.16) * _side(x)
    angle = generator.uniform(0, 2 * np.pi, size=len(x))[:, None, None]
    rows, columns = _centred_grid(x)
    return _sample(x, rows + distance * np.sin(angle), columns + distance * np.cos(angle))


PICTURE_FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        gaussian_noise,
        shot_noise,
        impulse_noise,
        defocus_blur,
        motion_blur,
        brightness,
        contrast,
        fog,
        rain,
        night,
        dirty_lens,
        pixelate,
        jpeg,
        rotation,
        translation,
    )
}


def _at(severity: int, *constants: float) -> float:
    return constants[severity - 1]


def _side(x: Pictures) -> int:
    height, width = x.shape[2:]
    return int(min(height, width))


def _convolve(x: Pictures, kernel: NDArray[np.float64]) -> Pictures:
    weights = (kernel / kernel.sum())[None, None].astype(np.float32)
    return np.asarray(ndimage.convolve(x, weights, mode="nearest"), dtype=np.float32)


def _line(length: float, angle: float) -> NDArray[np.float64]:
    """A line through the middle of a kernel, with soft edges."""
    reach = int(np.ceil(length / 2))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = np.abs(columns * np.cos(angle) + rows * np.sin(angle))
    across = np.abs(rows * np.cos(angle) - columns * np.sin(angle))
    return np.asarray(np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1))


def _plasma(x: Pictures, generator: np.random.Generator) -> Pictures:
    """Cloud-like fields `(n, 1, height, width)` from 0 to 1: octaves of random grids, each half as strong."""
    n, _, height, width = x.shape
    cloud = np.zeros((n, 1, height, width), dtype=np.float32)
    cells, strength = 1, 1.0
    while cells < 2 * max(height, width) and strength > 0.01:
        corners = generator.random((n, 1, cells + 1, cells + 1), dtype=np.float32)
        rows = np.linspace(0, cells, height)[:, None] - cells / 2
        columns = np.linspace(0, cells, width)[None, :] - cells / 2
        cloud += np.float32(strength) * _sample(corners, rows[None], columns[None])
        cells, strength = cells * 2, strength / 2
    lowest: Pictures = cloud.min(axis=(2, 3), keepdims=True)
    highest: Pictures = cloud.max(axis=(2, 3), keepdims=True)
    return np.asarray((cloud - lowest) / np.maximum(highest - lowest, np.float32(1e-6)))


def _coarse(x: Pictures, share: float) -> Pictures:
    """Average rows over cells of equal height, and spread each average over its cell again."""
    height = x.shape[2]
    cell = np.arange(height) * max(round(share * height), 1) // height
    mean = np.equal(cell[:, None], cell[None, :]).astype(np.float32)
    return np.asarray(np.einsum("rs,ncsw->ncrw", mean / mean.sum(axis=1, keepdims=True), x))


def _through_jpeg(octets: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(octets).save(buffer, format="JPEG", quality=quality)
    with Image.open(buffer) as picture:
        return np.asarray(picture)


def _centred_grid(x: Pictures) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    height, width = x.shape[2:]
    rows, columns = np.mgrid[:height, :width]
    return rows - (height - 1) / 2, columns - (width - 1) / 2


def _sample(x: Pictures, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Pictures:
    """Bilinear values at centred positions, broadcast over pictures; edges are continued."""
    height, width = x.shape[2:]
    row = np.clip(rows + (height - 1) / 2, 0, height - 1)
    column = np.clip(columns + (width - 1) / 2, 0, width - 1)
    row, column = np.broadcast_arrays(row, column)
    row = np.broadcast_to(row, (len(x), *row.shape[1:]))
    column = np.broadcast_to(column, row.shape)
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down = (row - top)[:, None].astype(np.float32)
    across = (column - left)[:, None].astype(np.float32)
    picture = np.arange(len(x))[:, None, None]

    def value(r: NDArray[np.int64], c: NDArray[np.int64]) -> Pictures:
        return np.moveaxis(x.transpose(0, 2, 3, 1)[picture, r, c], -1, 1)

    upper = value(top, left) * (1 - across) + value(top, right) * across
    lower = value(bottom, left) * (1 - across) + value(bottom, right) * across
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)
