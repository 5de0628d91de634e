"""What a disruption costs over time: which functions are lost, from when and until when.

An item that is cut off goes on for its time to survive (stock, a version that still runs) and is back after its time to
recover; what needs it is lost in between, unless an alternative has taken over. The disruption begins on day zero, and
so does the move to every alternative.

Source: Simchi-Levi, Schmidt and Wei 2014, Harvard Business Review 92(1) (time to recover);
Simchi-Levi et al. 2015, Interfaces 45(5):375 (time to survive).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from touchstone.methods.supply.graph import SupplyGraph, spread


@dataclass(frozen=True, slots=True)
class Outage:
    """How long an item lasts without its source, and when it is back, in days since it was cut off."""

    survive: float
    recover: float
    """Infinite where there is no way back."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Which functions are lost from each moment to the next; the last moment is followed by no other."""

    moments: tuple[float, ...]
    lost: tuple[frozenset[int], ...]

    @property
    def ever(self) -> frozenset[int]:
        """Functions that are lost at any time."""
        return frozenset().union(*self.lost)

    @property
    def first(self) -> float:
        """The day on which the first function is lost; infinite when none is."""
        return next((moment for moment, lost in zip(self.moments, self.lost, strict=True) if lost), math.inf)

    def most(self, horizon: float) -> int:
        """Most functions that are lost at the same time before the horizon."""
        return max(len(self.lost[place]) for place in range(max(bisect_left(self.moments, horizon), 1)))

    def days(self, function: int, horizon: float) -> float:
        """How many days before the horizon a function is lost."""
        ends = [min(moment, horizon) for moment in (*self.moments, math.inf)]
        return sum(
            end - start for (start, end), lost in zip(pairwise(ends), self.lost, strict=True) if function in lost
        )


def losses(graph: SupplyGraph, outages: Mapping[int, Sequence[Outage]]) -> Losses:
    """The functions that are lost over time when these items are cut off on the same day."""
    moments = _moments(graph, outages)
    own = [0] * len(graph.needs)
    for node, several in outages.items():
        for outage in several:
            own[node] |= _before(outage.recover, moments) & ~_before(outage.survive, moments)
    state = spread(graph, own, outages, lambda days: _before(days, moments))
    ever = [function for function in graph.functions if state[function]]
    lost = [frozenset(function for function in ever if state[function] >> place & 1) for place in range(len(moments))]
    return Losses(tuple(moments), tuple(lost))


def _moments(graph: SupplyGraph, outages: Mapping[int, Iterable[Outage]]) -> list[float]:
    """Every moment at which anything can change, from day zero on."""
    found = {0.0, *graph.switch_days}
    found.update(time for several in outages.values() for each in several for time in (each.survive, each.recover))
    return sorted(moment for moment in found if math.isfinite(moment))


def _before(time: float, moments: Sequence[float]) -> int:
    """The moments before a time, as bits."""
    return (1 << bisect_left(moments, time)) - 1
