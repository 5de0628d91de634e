"""Search for sponge inputs: legal inputs that take a model the longest.

A genetic search that sees nothing but costs (Shumailov, Zhao, Bates, Papernot, Mullins and Anderson 2021, EuroS&P,
"Sponge Examples: Energy-Latency Attacks on Neural Networks", the black-box variant): what is costly is varied and
crossed, what is cheap is forgotten. Costs are noisy, so whoever uses what was found measures it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Sample = TypeVar("Sample")

PARENTS = 4
SUBNORMAL = 1e-40
"""Below the normal numbers of float32: arithmetic on them is many times slower on some processors."""
LONGEST_TEXT = 20_000
REPEATED = ("a", " ", "a ", "(", "0", "🜁", "的", "\n", ". ", "é́́")


def costliest(
    starts: Sequence[Sample],
    cost: Callable[[Sample], float],
    vary: Callable[[Sample, Sample], Sample],
    generator: np.random.Generator,
    evaluations: int,
) -> Sample:
    """The costliest sample found with so many evaluations of `cost`; at least all `starts` are tried.

    `vary` makes a new sample of two costly ones.
    """
    known = [(cost(sample), place, sample) for place, sample in enumerate(starts)]
    for place in range(len(starts), evaluations):
        known.sort(key=lambda each: -each[0])
        del known[PARENTS:]
        first, second = (known[int(generator.integers(len(known)))][2] for _ in range(2))
        child = vary(first, second)
        known.append((cost(child), place, child))
    return max(known, key=lambda each: each[0])[2]


def number_starts(
    ordinary: NDArray[Any], low: float, high: float, generator: np.random.Generator
) -> list[NDArray[np.float32]]:
    """Samples to begin with: ordinary ones `(n, …)`, and extremes of the legal range."""
    shape = ordinary.shape[1:]
    made = [
        np.full(shape, low),
        np.full(shape, high),
        np.full(shape, (low + high) / 2),
        np.clip(np.full(shape, SUBNORMAL), low, high),
        generator.uniform(low, high, shape),
        np.where(generator.random(shape) < 0.5, low, high),
        np.where(np.arange(int(np.prod(shape))).reshape(shape) % 2 == 0, low, high),
    ]
    return [np.asarray(sample, dtype=np.float32) for sample in (*ordinary[:4], *made)]


def number_variation(
    low: float, high: float, generator: np.random.Generator
) -> Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]:
    """Crosses two samples value by value and draws a tenth of the values anew."""

    def vary(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
        crossed = np.where(generator.random(first.shape) < 0.5, first, second)
        fresh = np.asarray(generator.uniform(low, high, first.shape), dtype=np.float32)
        return np.where(generator.random(first.shape) < 0.1, fresh, crossed)

    return vary


def text_starts(ordinary: Sequence[str]) -> list[str]:
    """Texts to begin with: ordinary ones, one of them many times over, and repetitions that tokenisers dislike."""
    longest = max(ordinary, key=len)
    repeated = [(part * LONGEST_TEXT)[:LONGEST_TEXT] for part in (*REPEATED, longest + " ")]
    return [*ordinary[:4], *repeated]


def text_variation(generator: np.random.Generator) -> Callable[[str, str], str]:
    """Joins a part of one text to a part of another, never longer than `LONGEST_TEXT`."""

    def vary(first: str, second: str) -> str:
        cut, begin = (int(generator.integers(len(text) + 1)) for text in (first, second))
        return (first[:cut] + second[begin:])[:LONGEST_TEXT] or first

    return vary
