"""The parts of an input that an explanation speaks of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import Samples


@dataclass(frozen=True, slots=True)
class Parts:
    """A partition of the elements of a sample: `of` holds the part of every element, shape of one sample."""

    of: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of parts, P."""
        return int(self.of.max()) + 1

    def sums(self, values: Samples) -> NDArray[np.float64]:
        """Sums over each part of element values `(n, *shape)`; shape `(n, P)`."""
        flat = values.reshape(len(values), -1).astype(np.float64)
        order = np.argsort(self.of, axis=None, kind="stable")
        starts = np.searchsorted(self.of.ravel()[order], np.arange(self.count))
        return np.asarray(np.add.reduceat(flat[:, order], starts, axis=1))

    def elements(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Elements of the chosen parts: `(..., P)` becomes `(..., *shape)`."""
        return chosen[..., self.of]

    def picture(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Every element with the value of its part: `(P,)` becomes one sample's shape."""
        return values[self.of]


def columns(count: int) -> Parts:
    """Every column of a table is a part."""
    return Parts(np.arange(count))


def stretches(shape: tuple[int, ...], most: int) -> Parts:
    """Each channel of a series `(..., time)` cut into equal stretches of time, about `most` parts in all."""
    channels, times = int(np.prod(shape[:-1], dtype=int)), shape[-1]
    cuts = max(1, min(times, most // channels))
    along = np.arange(times) * cuts // times
    return Parts((np.arange(channels)[:, None] * cuts + along).reshape(shape))


def cells(shape: tuple[int, int, int], across: int) -> Parts:
    """A picture `(channels, height, width)` cut into at most `across` by `across` cells, all channels together."""
    _, height, width = shape
    rows, lines = min(across, height), min(across, width)
    down, right = np.arange(height) * rows // height, np.arange(width) * lines // width
    return Parts(np.broadcast_to(down[:, None] * lines + right, shape).copy())
