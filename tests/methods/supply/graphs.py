"""Graphs of needs for tests: drawn by hypothesis, circles and useless nodes included."""

from __future__ import annotations

from hypothesis import strategies as st

from touchstone.methods.supply.graph import Alternative, SupplyGraph

DAYS = st.sampled_from((0.0, 1.0, 5.0, 30.0))


@st.composite
def graphs(draw: st.DrawFn, largest: int = 6) -> SupplyGraph:
    """One or two functions, some items, and needs with one to three alternatives."""
    items = draw(st.integers(1, largest))
    functions = draw(st.integers(1, 2))
    node = st.integers(0, items - 1)
    others = st.lists(st.builds(Alternative, node, DAYS), max_size=2)
    need = st.builds(lambda first, more: (Alternative(first), *more), node, others)
    needs = [tuple(draw(st.lists(need, max_size=2))) for _ in range(items)]
    needs += [tuple(draw(st.lists(need, min_size=1, max_size=3))) for _ in range(functions)]
    return SupplyGraph(tuple(needs), tuple(range(items, items + functions)))


def working(graph: SupplyGraph, removed: frozenset[int], missing: frozenset[float] = frozenset()) -> set[int]:
    """Nodes that work in one world, by crossing out until nothing changes: slow, and plainly right."""
    works = set(range(len(graph.needs))) - removed
    while True:
        kept = {
            node
            for node in works
            if all(any(each.node in works and each.days not in missing for each in need) for need in graph.needs[node])
        }
        if kept == works:
            return works
        works = kept
