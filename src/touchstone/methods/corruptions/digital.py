"""What a camera, a codec or another device makes of a picture that was good."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.optics import (
    Pictures,
    centred_grid,
    resampled,
    shorter_side,
    stretched,
)
from touchstone.methods.corruptions.severity import at

ELASTIC_CELLS = 6
"""Cells of the field along which an elastic picture is pulled."""


def contrast(x: Pictures, severity: int, _: SampleDraws) -> Pictures:
    """Flat light: values shrink towards the mean of the picture."""
    mean: Pictures = x.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(mean + np.float32(at(severity, 0.75, 0.6, 0.45, 0.3, 0.2)) * (x - mean))


def elastic(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Stretched and squeezed from place to place, as a soft object or a rolling shutter does."""
    height, width = x.shape[2:]
    reach = np.float32(at(severity, 0.015, 0.025, 0.035, 0.045, 0.06) * shorter_side(x))
    pull = stretched(draws.uniform(2, ELASTIC_CELLS, ELASTIC_CELLS, low=-1, high=1), height, width) * reach
    rows, columns = centred_grid(x)
    return resampled(x, rows + pull[:, 0], columns + pull[:, 1])


def pixelate(x: Pictures, severity: int, _: SampleDraws) -> Pictures:
    """Low resolution: averaged over coarse cells."""
    share = at(severity, 0.75, 0.6, 0.5, 0.4, 0.3)
    height, width = x.shape[2:]
    return np.asarray(np.matmul(np.matmul(_coarse(height, share), x), _coarse(width, share).T))


def jpeg(x: Pictures, severity: int, _: SampleDraws) -> Pictures:
    """Strong JPEG compression; pictures that are neither grey nor RGB are compressed channel by channel."""
    quality = int(at(severity, 60, 40, 25, 15, 8))
    octets = np.rint(x * 255).astype(np.uint8)
    if x.shape[1] == 3:
        compressed = [_through_jpeg(picture.transpose(1, 2, 0), quality).transpose(2, 0, 1) for picture in octets]
    else:
        compressed = [np.stack([_through_jpeg(channel, quality) for channel in picture]) for picture in octets]
    return np.stack(compressed).astype(np.float32) / np.float32(255)


def colour_drift(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """White balance and exposure wander: every channel is amplified by an amount of its own, up or down."""
    strength = np.float32(at(severity, 0.06, 0.12, 0.18, 0.26, 0.34))
    gain = 1 + strength * draws.signs(x.shape[1]) * draws.uniform(x.shape[1], low=0.5)
    return x * gain[:, :, None, None]


def tone_curve(x: Pictures, severity: int, draws: SampleDraws) -> Pictures:
    """Another device maps light to values along another curve: middle tones are lifted or lowered."""
    bend = np.float32(at(severity, 0.15, 0.3, 0.45, 0.65, 0.9)) * draws.signs()
    return np.asarray(np.power(x, np.exp(bend)[:, None, None, None]))


def dimming(x: Pictures, severity: int, _: SampleDraws) -> Pictures:
    """A lamp that ages: less light, the least of it at the corners."""
    rows, columns = centred_grid(x)
    height, width = x.shape[2:]
    corner = ((rows / (height / 2)) ** 2 + (columns / (width / 2)) ** 2)[:, None] / 2
    return np.asarray(x * (1 - at(severity, 0.12, 0.2, 0.3, 0.4, 0.5) * (0.6 + 0.6 * corner)), dtype=np.float32)


def _coarse(length: int, share: float) -> Pictures:
    """Matrix that averages pixels over cells of equal length and spreads each average over its cell again."""
    cell = np.arange(length) * max(round(share * length), 1) // length
    mean = np.equal(cell[:, None], cell[None, :]).astype(np.float32)
    return np.asarray(mean / mean.sum(axis=1, keepdims=True))


def _through_jpeg(octets: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(octets).save(buffer, format="JPEG", quality=quality)
    with Image.open(buffer) as picture:
        return np.asarray(picture)
