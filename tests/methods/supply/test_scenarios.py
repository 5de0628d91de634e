"""Losses over time, against looking at each moment by itself."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.methods.supply.graphs import DAYS, graphs, working
from touchstone.methods.supply.graph import Alternative, SupplyGraph
from touchstone.methods.supply.scenarios import Losses, Outage, losses

OUTAGES = st.builds(Outage, DAYS, st.sampled_from((0.0, 2.0, 5.0, 60.0, math.inf)))
CUT_OFF = st.dictionaries(st.integers(0, 5), st.lists(OUTAGES, min_size=1, max_size=2), max_size=4)


def at(losses_: Losses, day: float) -> frozenset[int]:
    return [lost for moment, lost in zip(losses_.moments, losses_.lost, strict=True) if moment <= day][-1]


def among_the_items(graph: SupplyGraph, outages: dict[int, list[Outage]]) -> dict[int, list[Outage]]:
    return {node: each for node, each in outages.items() if node < graph.functions[0]}


@given(graphs(), CUT_OFF)
def test_every_moment_is_as_if_it_were_looked_at_alone(graph: SupplyGraph, cut_off: dict[int, list[Outage]]) -> None:
    outages = among_the_items(graph, cut_off)
    found = losses(graph, outages)
    for day in (0.0, 0.5, 1.0, 3.0, 5.0, 29.0, 30.0, 59.0, 60.0, 1000.0):
        down = frozenset(
            node for node, several in outages.items() if any(each.survive <= day < each.recover for each in several)
        )
        not_there_yet = frozenset(days for days in (0.0, 1.0, 5.0, 30.0) if day < days)
        assert at(found, day) == set(graph.functions) - working(graph, down, not_there_yet)


@given(graphs(), CUT_OFF, st.data())
def test_one_more_substitute_never_costs_anything(
    graph: SupplyGraph, cut_off: dict[int, list[Outage]], data: st.DataObject
) -> None:
    outages = among_the_items(graph, cut_off)
    user = data.draw(st.sampled_from([node for node, several in enumerate(graph.needs) if several]))
    number = data.draw(st.integers(0, len(graph.needs[user]) - 1))
    added = Alternative(data.draw(st.integers(0, graph.functions[0] - 1)), data.draw(DAYS))
    needs = list(graph.needs)
    needs[user] = tuple((*need, added) if place == number else need for place, need in enumerate(needs[user]))
    before, after = losses(graph, outages), losses(SupplyGraph(tuple(needs), graph.functions), outages)
    for day in {*before.moments, *after.moments}:
        assert at(after, day) <= at(before, day)
    assert after.first >= before.first
    assert after.most(365) <= before.most(365)


def test_stock_that_lasts_until_the_substitute_is_there_loses_nothing() -> None:
    main, other, function = range(3)

    def graph(days: float) -> SupplyGraph:
        return SupplyGraph(((), (), ((Alternative(main), Alternative(other, days)),)), (function,))

    gone = {main: [Outage(20, math.inf)]}
    assert losses(graph(20), gone).ever == frozenset()
    late = losses(graph(30), gone)
    assert (late.first, late.days(function, 365), late.most(365), late.most(20)) == (20, 10, 1, 0)
    both = losses(graph(20), gone | {other: [Outage(50, 60)]})
    assert (both.first, both.days(function, 365), both.days(function, 55)) == (50, 10, 5)


def test_two_ways_to_be_cut_off_are_the_worse_of_both() -> None:
    graph = SupplyGraph(((), ((Alternative(0),),)), (1,))
    found = losses(graph, {0: [Outage(10, 20), Outage(15, 40)]})
    assert (found.first, found.days(1, 100)) == (10, 30)
