"""Numbers and bytes are read one after the other, and never past the end."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.cursor import Cursor
from touchstone.scan.source import MemorySource, Unreadable


def test_fields_in_both_byte_orders() -> None:
    data = struct.pack("<IH", 1, 2) + struct.pack(">q", -3)
    cursor = Cursor(MemorySource(data))
    assert cursor.numbers("IH") == (1, 2)
    cursor.order = ">"
    assert (cursor.number("q"), cursor.left, cursor.at) == (-3, 0, 14)


@pytest.mark.parametrize(
    "read", [lambda c: c.take(5), lambda c: c.skip(5), lambda c: c.part(-1), lambda c: c.number("Q")]
)
def test_nothing_is_read_past_the_end(read: object) -> None:
    assert callable(read)
    with pytest.raises(Unreadable):
        read(Cursor(MemorySource(b"four")))


def test_an_end_before_the_end_of_the_source_counts() -> None:
    cursor = Cursor(MemorySource(b"abcdef"), 1, 4)
    assert cursor.take(3) == b"bcd"
    with pytest.raises(Unreadable):
        cursor.take(1)


@given(st.lists(st.integers(0, 100_000), max_size=8), st.integers(0, 40))
def test_texts_are_skipped_exactly_as_far_as_they_go(lengths: list[int], cut: int) -> None:
    data = b"".join(struct.pack("<I", length) + bytes(length) for length in lengths)
    cursor = Cursor(MemorySource(data[: len(data) - cut]))
    whole, reached = 0, 0
    for length in lengths:
        if reached + 4 + length > len(data) - cut:
            break
        whole, reached = whole + 1, reached + 4 + length
    assert cursor.skip_texts(len(lengths), "I") == whole
    assert cursor.at == reached
