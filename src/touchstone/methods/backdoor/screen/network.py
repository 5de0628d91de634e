"""A network cut in three: features are read, and changed, at two places on the way from pictures to scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

EARLY, LATE = 0.4, 0.75
"""Share of the layers with weights that lies before each cut."""

Function = Callable[[Any], Any]


class CannotBeCutError(ValueError):
    """A network whose stages leave no place for two cuts."""


@dataclass(frozen=True, slots=True)
class CutNetwork:
    """A network from pictures `(n, C, H, W)` to scores `(n, K)`, as functions of PyTorch tensors in a row."""

    stages: tuple[Function, ...]
    early: int
    """How many stages come before the first cut."""
    late: int

    def __call__(self, x: Any) -> Any:
        """Scores in a logarithmic scale."""
        return self.between(0, None)(x)

    def between(self, first: int, last: int | None) -> Function:
        """The function that stages `first` to `last - 1`, or to the end, make together."""
        stages = self.stages[first:last]
        return lambda x: reduce(lambda value, stage: stage(value), stages, x)


def cut_network(stages: Sequence[Function], weighted: Sequence[int]) -> CutNetwork:
    """Cut about 40 % and 75 % of the way, measured in layers with weights.

    `weighted` says how many such layers each stage holds. A cut lies right before a stage with weights, so that what is
    read has gone through the activation and pooling after a layer. Raises `CannotBeCutError` where there are fewer than
    two places with weights before and after them.
    """
    passed = np.cumsum([0, *weighted])
    total = passed[-1]
    places = [place for place in range(1, len(stages)) if weighted[place] and passed[place]]
    if len(places) < 2:
        raise CannotBeCutError(f"{len(places)} places to cut; two are needed")
    early = min(places[:-1], key=lambda place: (abs(passed[place] / total - EARLY), place))
    late = min((p for p in places if p > early), key=lambda place: (abs(passed[place] / total - LATE), place))
    return CutNetwork(tuple(stages), early, late)
