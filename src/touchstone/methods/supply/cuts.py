"""What alone, or in pairs, stops a function: minimal cut sets of one and two items, exactly.

Source: Barlow and Proschan 1975, Statistical Theory of Reliability and Life Testing (minimal cut sets).
"""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.methods.supply.graph import SupplyGraph, spread


def single_points(graph: SupplyGraph) -> dict[int, frozenset[int]]:
    """For each function the items whose loss alone stops it."""
    state = _by_item(graph)
    return {function: frozenset(_members(state[function], graph)) for function in graph.functions}


def pairs(graph: SupplyGraph) -> dict[int, frozenset[tuple[int, int]]]:
    """For each function the pairs of items whose loss together stops it, while that of neither does."""
    alone = _by_item(graph)
    everywhere = (1 << len(graph.needs)) - 1
    found: dict[int, set[tuple[int, int]]] = {function: set() for function in graph.functions}
    for first in range(len(graph.needs)):
        if first in found or not graph.users[first]:
            continue
        start = list(alone)
        start[first] = everywhere
        together = spread(graph, start, [first])
        for function, several in found.items():
            if not alone[function] >> first & 1:
                new = together[function] & ~alone[function]
                several.update((first, second) for second in _members(new, graph) if second > first)
    return {function: frozenset(several) for function, several in found.items()}


def _by_item(graph: SupplyGraph) -> list[int]:
    """For each node the items whose loss stops it, as bits."""
    functions = set(graph.functions)
    own = [0 if node in functions else 1 << node for node in range(len(graph.needs))]
    return spread(graph, own, range(len(own)))


def _members(bits: int, graph: SupplyGraph) -> Iterator[int]:
    return (node for node in range(len(graph.needs)) if bits >> node & 1)
