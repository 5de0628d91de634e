"""Random numbers that belong to a sample, not to the batch it happens to be worked on in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float32]


class SampleDraws:
    """Random arrays with one row per sample, each from a generator of that sample's own.

    A sample is named by its number in the data, so that it meets the same noise alone, in a batch of any size, and at
    every severity: the curve over severities is that of one disturbance growing. Philox is used because a stream of
    it is named by a key and needs no warming up (Salmon et al. 2011, SC11).
    """

    def __init__(self, seed: int, samples: NDArray[np.int64] | Sequence[int]) -> None:
        self._keys = [(seed, int(sample)) for sample in samples]
        self._generators: list[np.random.Generator] = []

    def __len__(self) -> int:
        return len(self._keys)

    def normal(self, *shape: int) -> Reals:
        """Standard normal numbers `(n, *shape)`."""
        return self._rows(shape, lambda generator: generator.standard_normal(shape, dtype=np.float32))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Reals:
        """Uniform numbers `(n, *shape)` from `low` to `high`."""
        unit = self._rows(shape, lambda generator: generator.random(shape, dtype=np.float32))
        return unit * np.float32(high - low) + np.float32(low)

    def signs(self, *shape: int) -> Reals:
        """-1 or +1, each as likely, `(n, *shape)`."""
        return np.where(self.uniform(*shape) < 0.5, np.float32(-1), np.float32(1))

    def below(self, limit: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers `(n, *shape)` from 0 up to but not including `limit`."""
        return np.minimum((self.uniform(*shape) * limit).astype(np.int64), limit - 1)

    def poisson(self, mean: Reals) -> Reals:
        """Counts with the means of an array `(n, …)`."""
        counts = np.empty(mean.shape, dtype=np.float32)
        for row, generator in enumerate(self._opened()):
            counts[row] = generator.poisson(mean[row])
        return counts

    def _rows(self, shape: tuple[int, ...], draw: Callable[[np.random.Generator], Reals]) -> Reals:
        rows = np.empty((len(self._keys), *shape), dtype=np.float32)
        for row, generator in enumerate(self._opened()):
            rows[row] = draw(generator)
        return rows

    def _opened(self) -> list[np.random.Generator]:
        """The generators, opened at the first draw: many corruptions need none."""
        if not self._generators:
            self._generators = [np.random.Generator(np.random.Philox(key=key)) for key in self._keys]
        return self._generators
