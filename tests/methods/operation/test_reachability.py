"""Ways are shortest, and end at what is closed."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.operation.reachability import shortest_ways

graphs = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4), max_size=6)


def steps(links: dict[str, list[str]], closed: set[str]) -> dict[str, int]:
    """Distance from `a`, by relaxing every link again and again."""
    found = {"a": 0}
    for _ in range(6):
        for node, following in links.items():
            if node in found and (node == "a" or node not in closed):
                for each in following:
                    found[each] = min(found.get(each, 99), found[node] + 1)
    return found


@given(graphs, st.sets(st.sampled_from("abcdef")))
def test_ways_are_shortest_and_made_of_links(links: dict[str, list[str]], closed: set[str]) -> None:
    ways = shortest_ways(links, "a", closed)
    assert {node: len(way) - 1 for node, way in ways.items()} == steps(links, closed)
    for node, way in ways.items():
        assert way[0] == "a"
        assert way[-1] == node
        assert all(after in links[before] for before, after in pairwise(way))


def test_nothing_lies_beyond_what_is_closed() -> None:
    links = {"a": ["b"], "b": ["c"]}
    assert shortest_ways(links, "a")["c"] == ("a", "b", "c")
    assert "c" not in shortest_ways(links, "a", {"b"})
