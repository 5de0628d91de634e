"""Ways through a network of allowed connections."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping


def shortest_ways(
    links: Mapping[str, Iterable[str]], start: str, closed: Collection[str] = ()
) -> dict[str, tuple[str, ...]]:
    """A shortest way from `start` to every node that can be reached, both ends included, by breadth-first search.

    Nodes in `closed` can be reached, but nothing lies beyond them. Of several shortest ways the first in the order of
    the links is taken.
    """
    ways: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        if node in closed and node != start:
            continue
        for following in links.get(node, ()):
            if following not in ways:
                ways[following] = (*ways[node], following)
                waiting.append(following)
    return ways
