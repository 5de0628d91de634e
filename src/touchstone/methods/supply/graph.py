"""Who needs what, and how a loss spreads, in as many worlds at once as an integer has bits.

A node works while every one of its needs is met; a need is met while any one of its alternatives works. A *world* is
one bit of an integer: a removed item, a pair of removed items, or a moment of a scenario. Losing is monotone, so the
smallest set of losses that the rules demand is unique, also where needs run in a circle, and one pass of set algebra
finds it exactly in all worlds.

Source: Barlow and Proschan 1975, Statistical Theory of Reliability and Life Testing (coherent systems).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to meet a need."""

    node: int
    days: float = 0.0
    """From the beginning of a disruption until this one has taken over; zero for what is in use."""


Need = tuple[Alternative, ...]
"""Any one of these suffices. The first is in use; the others take over."""


@dataclass(frozen=True)
class SupplyGraph:
    """What each node needs, and which nodes are the functions that all of it is for."""

    needs: tuple[tuple[Need, ...], ...]
    functions: tuple[int, ...]

    def __post_init__(self) -> None:
        if any(not need or need[0].days for needs in self.needs for need in needs):
            raise ValueError("the first alternative of a need is in use: there is one, and it takes no time")

    @cached_property
    def users(self) -> tuple[tuple[int, ...], ...]:
        """For each node, who has it among the alternatives of a need."""
        found: list[dict[int, None]] = [{} for _ in self.needs]
        for node, needs in enumerate(self.needs):
            for need in needs:
                for alternative in need:
                    found[alternative.node][node] = None
        return tuple(tuple(each) for each in found)

    @cached_property
    def switch_days(self) -> frozenset[float]:
        """The days on which an alternative may take over."""
        return frozenset(each.days for needs in self.needs for need in needs for each in need)


def in_time(days: float) -> int:
    """Every alternative is there at once, in every world."""
    return 0


def spread(
    graph: SupplyGraph, lost: Sequence[int], changed: Iterable[int], late: Callable[[float], int] = in_time
) -> list[int]:
    """The worlds in which each node is lost, from those in which it is lost by itself.

    `changed` are the nodes from which losses still have to spread; `late(days)` are the worlds in which an alternative
    that takes so many days is not there yet.
    """
    state = list(lost)
    waiting = deque(user for node in changed for user in graph.users[node])
    queued = set(waiting)
    while waiting:
        node = waiting.popleft()
        queued.discard(node)
        grown = state[node]
        for need in graph.needs[node]:
            unmet = -1
            for alternative in need:
                unmet &= state[alternative.node] | late(alternative.days)
            grown |= unmet
        if grown != state[node]:
            state[node] = grown
            fresh = [user for user in graph.users[node] if user not in queued]
            waiting.extend(fresh)
            queued.update(fresh)
    return state
