"""Minimal cut sets, against removing every item and every pair by hand."""

from __future__ import annotations

import time
from itertools import combinations

import pytest
from hypothesis import given

from tests.methods.supply.graphs import graphs, working
from touchstone.methods.supply.cuts import pairs, single_points
from touchstone.methods.supply.graph import Alternative, SupplyGraph


def needs(*several: tuple[int, ...]) -> tuple[tuple[Alternative, ...], ...]:
    return tuple(tuple(Alternative(node) for node in need) for need in several)


@given(graphs())
def test_cut_sets_are_those_found_by_removing_everything(graph: SupplyGraph) -> None:
    items = [node for node in range(len(graph.needs)) if node not in graph.functions]
    for function in graph.functions:
        single = {item for item in items if function not in working(graph, frozenset({item}))}
        double = {
            pair
            for pair in combinations(items, 2)
            if function not in working(graph, frozenset(pair)) and not single & set(pair)
        }
        assert single_points(graph)[function] == single
        assert pairs(graph)[function] == double


def test_a_diamond_has_its_end_as_single_point_and_its_sides_as_pair() -> None:
    chip, left, right, function = range(4)
    graph = SupplyGraph((needs(), needs((chip,)), needs((chip,)), needs((left, right))), (function,))
    assert single_points(graph) == {function: {chip}}
    assert pairs(graph) == {function: {(left, right)}}


def test_items_that_need_each_other_fall_together() -> None:
    graph = SupplyGraph((needs((1,)), needs((0,)), needs((0,))), (2,))
    assert single_points(graph) == {2: {0, 1}}


def test_a_need_that_nothing_meets_is_refused() -> None:
    for need in ((), (Alternative(0, 3),)):
        with pytest.raises(ValueError, match="first alternative"):
            SupplyGraph(((need,),), (0,))


def test_a_large_graph_takes_no_time() -> None:
    size = 1500
    ladder = (needs(), needs((0,)), *(needs((node - 1, node - 2)) for node in range(2, size)))
    begun = time.process_time()
    found = pairs(SupplyGraph(ladder, (size - 1,)))[size - 1]
    assert (size - 3, size - 2) in found
    assert time.process_time() - begun < 10
