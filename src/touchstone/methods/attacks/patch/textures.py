"""What a vandal without a computer sticks on a sign: plain colours, stripes, checks, blocks of colour, photographs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from touchstone.methods.attacks.patch.placement import Patches

BLOCKS: Final = (2, 4)
"""Blocks of colour along a side."""
PLAIN: Final = {"black": 0.0, "grey": 0.5, "white": 1.0}


def plain(value: float, channels: int, cells: int) -> Patches:
    """One patch `(channels, cells, cells)` of one brightness."""
    return np.full((channels, cells, cells), value, dtype=np.float32)


def textures(channels: int, cells: int, generator: np.random.Generator) -> Patches:
    """A library of patches `(n, channels, cells, cells)` that need no knowledge of any model."""
    return np.stack(list(_made(channels, cells, generator)))


def bars(channels: int, cells: int) -> Patches:
    """What is stuck over a sign as tape: black, white, and half of each along and across."""
    half = (np.arange(cells) * 2 // cells).astype(np.float32)
    across = np.broadcast_to(half[None, None, :], (channels, cells, cells))
    along = np.broadcast_to(half[None, :, None], (channels, cells, cells))
    return np.stack([plain(0.0, channels, cells), plain(1.0, channels, cells), across, along])


def photographs(x: Patches, cells: int) -> Patches:
    """Whole pictures `(n, channels, height, width)` with values from 0 to 1, averaged down to the cells of a patch."""
    return _averaged(np.swapaxes(_averaged(np.swapaxes(x, 2, 3), cells), 2, 3), cells)


def _made(channels: int, cells: int, generator: np.random.Generator) -> Iterator[Patches]:
    for value in PLAIN.values():
        yield plain(value, channels, cells)
    if channels > 1:
        for channel in range(channels):
            colour = plain(0.0, channels, cells)
            colour[channel] = 1.0
            yield colour
    place = np.arange(cells)
    for stripes in (2, 4):
        wave = (place * stripes // cells) % 2
        yield np.broadcast_to(wave[None, None, :], (channels, cells, cells)).astype(np.float32)
        yield np.broadcast_to(wave[None, :, None], (channels, cells, cells)).astype(np.float32)
        yield np.broadcast_to((wave[:, None] + wave[None, :]) % 2, (channels, cells, cells)).astype(np.float32)
    for blocks in BLOCKS:
        colours = np.rint(generator.random((channels, blocks, blocks))).astype(np.float32)
        block = place * blocks // cells
        yield colours[:, block[:, None], block[None, :]]


def _averaged(x: Patches, cells: int) -> Patches:
    """Rows averaged over, or repeated in, as many equal parts as there are cells."""
    height = x.shape[2]
    edges = np.linspace(0, height, cells + 1)
    row = np.arange(height)
    overlap = np.clip(np.minimum(edges[1:, None], row + 1) - np.maximum(edges[:-1, None], row), 0, None)
    weights = (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.asarray(np.einsum("rh,nchw->ncrw", weights, x), dtype=np.float32)
