"""Inputs from outside a system's operating domain, made from inputs inside it, and scores that should tell them apart.

Pictures of nothing (noise, one flat colour), pictures whose parts lie in the wrong places, and pictures drowned in
noise; rows far from everything seen, rows of unrelated values, and rows whose values stand under the wrong columns. How
well stated confidence tells them from proper inputs is the usual first test of a model's knowledge of its own limits
(Hendrycks and Gimpel 2017, ICLR); energy and margin are read off the same scores (Liu et al. 2020, NeurIPS).

What is made of a row need not lie outside: unrelated values may well make a proper row. :func:`lies_outside` is a
witness that knows nothing of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Scores = NDArray[np.float64]
"""One number per sample `(n,)`, higher for what looks more familiar."""

PATCHES_ACROSS: Final = 4
"""Of a picture that is cut up."""
NOISE: Final = 0.5
"""Standard deviation, in ranges of the pixel value, of the noise that a picture drowns in."""
FAR: Final = 5.0
"""Standard deviations by which every element of a row is moved."""
BEYOND: Final = 0.5
"""Of an element's range: how far to either side of it unrelated values reach."""
NEIGHBOUR: Final = 5
"""The neighbour whose distance says how far a row is from what is normal."""
USUAL: Final = 0.99
"""Share of proper rows whose distance is called usual."""
OUTSIDE: Final = 0.95
"""Share of a family's rows that must be at an unusual distance before the family counts as outside."""


def outside_pictures(x: Samples, low: float, high: float, generator: np.random.Generator) -> dict[str, Samples]:
    """Families of pictures `(n, channels, height, width)` that show nothing proper, made of proper ones."""
    width = high - low
    families: dict[str, NDArray[np.floating]] = {
        "uniform_noise": generator.uniform(low, high, x.shape),
        "matched_noise": generator.normal(x.mean(), x.std(), x.shape),
        "flat": np.broadcast_to(generator.uniform(low, high, (*x.shape[:2], 1, 1)), x.shape),
        "shuffled_patches": _shuffled_patches(x, generator),
        "drowned_in_noise": x + generator.normal(0.0, NOISE * width, x.shape),
    }
    return {family: np.clip(made, low, high).astype(np.float32) for family, made in families.items()}


def outside_rows(
    x: Samples, normal: Samples, low: float, high: float, generator: np.random.Generator
) -> dict[str, Samples]:
    """Families of rows or series `(n, *shape)` that are mostly improper, made of proper ones `x`.

    `normal` `(m, *shape)` shows spread and range of every element. Legal values reach from `low` to `high`.
    """
    spread = normal.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 0, spread, 1.0)
    smallest, largest = normal.min(axis=0).astype(np.float64), normal.max(axis=0).astype(np.float64)
    margin = BEYOND * np.maximum(largest - smallest, spread)
    signs = np.where(generator.random(x.shape) < 0.5, -1.0, 1.0)
    families: dict[str, NDArray[np.floating]] = {
        "far": x + FAR * spread * signs,
        "unrelated_values": generator.uniform(smallest - margin, largest + margin, x.shape),
        "mirrored": x.reshape(len(x), -1)[:, ::-1].reshape(x.shape),
    }
    return {family: np.clip(made, low, high).astype(np.float32) for family, made in families.items()}


def lies_outside(made: Samples, proper: Samples, normal: Samples) -> bool:
    """Whether nearly all of `made` are at a distance from `normal` that is unusual for `proper` rows.

    Distance is that to the fifth nearest neighbour, every element in units of its spread (Ramaswamy, Rastogi and Shim
    2000, SIGMOD). No row of `proper` may be one of `normal`.
    """
    spread = normal.std(axis=0, dtype=np.float64)
    scale = np.where(spread > 0, spread, 1.0)
    usual = np.quantile(_distance(proper / scale, normal / scale), USUAL)
    return bool(np.mean(_distance(made / scale, normal / scale) > usual) >= OUTSIDE)


def highest_probability(probabilities: NDArray[np.float64]) -> Scores:
    """The confidence a model states: the probability `(n, K)` of its own answer."""
    return np.asarray(probabilities.max(axis=1))


def energy(logits: NDArray[np.float64]) -> Scores:
    """Negative free energy of logits `(n, K)`: large where any class has a large score."""
    largest = logits.max(axis=1, keepdims=True)
    return np.asarray(largest[:, 0] + np.log(np.exp(logits - largest).sum(axis=1)))


def margin(logits: NDArray[np.float64]) -> Scores:
    """How far the best of the logits `(n, K)` is ahead of the second."""
    best = np.partition(logits, -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])


FROM_LOGITS: Final[Mapping[str, Callable[[NDArray[np.float64]], Scores]]] = {"energy": energy, "margin": margin}


def _shuffled_patches(x: Samples, generator: np.random.Generator) -> Samples:
    """Every picture cut into patches of one size, put together in an order of its own; a rest at the edge stays."""
    count, channels, height, width = x.shape
    tall, wide = max(1, height // PATCHES_ACROSS), max(1, width // PATCHES_ACROSS)
    rows, columns = height // tall, width // wide
    cut = x[:, :, : rows * tall, : columns * wide].reshape(count, channels, rows, tall, columns, wide)
    patches = cut.transpose(0, 2, 4, 1, 3, 5).reshape(count, rows * columns, channels, tall, wide)
    order = generator.permuted(np.tile(np.arange(rows * columns), (count, 1)), axis=1)
    mixed = np.take_along_axis(patches, order[:, :, None, None, None], axis=1)
    together = mixed.reshape(count, rows, columns, channels, tall, wide).transpose(0, 3, 1, 4, 2, 5)
    shuffled = x.copy()
    shuffled[:, :, : rows * tall, : columns * wide] = together.reshape(count, channels, rows * tall, columns * wide)
    return shuffled


def _distance(x: NDArray[np.float64], normal: NDArray[np.float64]) -> Scores:
    from scipy.spatial import cKDTree

    neighbour = min(NEIGHBOUR, len(normal))
    distances, _ = cKDTree(normal.reshape(len(normal), -1)).query(x.reshape(len(x), -1), k=[neighbour])
    return np.asarray(distances[:, 0])
