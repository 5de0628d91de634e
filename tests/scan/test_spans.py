"""Stretches of bytes: what belongs to nothing, and what to two things."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.source import MemorySource
from touchstone.scan.spans import Spans, is_zero

SIZE = 40


@given(st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)), unique=True))
def test_gaps_and_overlaps(stretches: list[tuple[int, int]]) -> None:
    spans = Spans()
    counts = [0] * SIZE
    for start, stop in stretches:
        spans.add(start, stop)
        for place in range(start, stop):
            counts[place] += 1
    assert sorted(place for start, stop in spans.gaps(SIZE) for place in range(start, stop)) == [
        place for place, count in enumerate(counts) if count == 0
    ]
    assert {place for start, stop in spans.overlaps() for place in range(start, stop)} == {
        place for place, count in enumerate(counts) if count > 1
    }
    assert all(spans.has(start, stop) for start, stop in stretches if stop > start)


def test_is_zero() -> None:
    assert is_zero(MemorySource(bytes(300_000)))
    assert is_zero(MemorySource(b""))
    assert not is_zero(MemorySource(bytes(300_000) + b"\x01"))
