"""The wire format: every field where it is, nothing that is not there, and never more than asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.protobuf_writer import block, float32, number, varint
from touchstone.scan.budget import Budget, LimitReached, Limits
from touchstone.scan.protobuf import DEEPEST, LONGEST_NAME, LONGEST_TEXT, Message, message_of
from touchstone.scan.source import MemorySource, Source, Unreadable


def message(data: bytes) -> Message:
    """Bytes as a message, with the usual limits."""
    return message_of(MemorySource(data), Budget(Limits(), len(data)))


class Counting(Source):
    """A large source of which little may be read."""

    def __init__(self, head: bytes, size: int) -> None:
        self.size = size
        self._head = head
        self.handed_out = 0

    def read(self, start: int, length: int) -> bytes:
        length = max(min(length, self.size - start), 0)
        self.handed_out += length
        return (self._head[start : start + length]).ljust(length, b"\x00")


def test_each_kind_of_field_is_read() -> None:
    data = number(1, 300) + block(2, "text") + float32(3, 1.5) + varint(4 << 3 | 1) + bytes(8) + number(5, -2)
    found = list(message(data).fields())
    assert [field.number for field in found] == [1, 2, 3, 4, 5]
    assert found[0].integer() == 300
    assert found[1].text() == "text"
    assert found[1].part().read(0, 99) == b"text"
    assert found[2].float32() == 1.5
    assert found[4].signed() == -2


def test_packed_and_single_numbers_are_the_same() -> None:
    packed, single = message(block(1, varint(7) + varint(-1))), message(number(1, 7))
    assert [field.integers() for field in packed.fields()] == [[7, -1]]
    assert [field.integers() for field in single.fields()] == [[7]]


def test_packed_numbers_that_are_cut_short_are_unreadable() -> None:
    [field] = message(block(1, b"\x05\x80")).fields()
    with pytest.raises(Unreadable):
        field.integers()


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # a tag without a value
        b"\x0a\x05abc",  # longer than the message
        b"\x00\x01",  # number 0
        b"\x0b\x0c",  # groups
        b"\x08" + b"\xff" * 11,  # a varint of more than ten bytes
        b"\x0d\x00\x00",  # four bytes cut short
        block(1, b"x") + b"\x09" + bytes(7),  # eight bytes cut short
    ],
)
def test_what_is_no_message_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        list(message(data).fields())


def test_a_field_of_another_wire_type_than_expected_is_unreadable() -> None:
    [field] = message(number(1, 1)).fields()
    for reading in (field.text, field.message, field.float32):
        with pytest.raises(Unreadable):
            reading()


def test_a_long_value_is_not_loaded() -> None:
    source = Counting(varint(1 << 3 | 2) + varint(2**30), 2**30 + 6)
    [field] = message_of(source, Budget(Limits(), source.size)).fields()
    assert field.length == 2**30
    assert source.handed_out < 2**17
    with pytest.raises(Unreadable, match="longer"):
        field.bytes()
    assert len(field.text()) == LONGEST_TEXT
    assert len(field.name()) == LONGEST_NAME


def test_a_run_of_numbers_comes_as_one_field() -> None:
    data = number(1, 5) * 40_000 + block(2, "after")
    found = list(message(data).fields(dull=frozenset({1})))
    assert [field.number for field in found] == [1, 2]
    assert found[1].text() == "after"


@given(st.lists(st.integers(0, 2**64 - 1)), st.binary(max_size=8))
def test_runs_hide_nothing(values: list[int], tail: bytes) -> None:
    data = b"".join(number(1, value) for value in values) + block(2, tail) + number(1, 1)
    assert [field.number for field in message(data).fields(dull={1})] == ([1] if values else []) + [2, 1]


def test_nesting_is_bounded() -> None:
    data = b""
    for _ in range(DEEPEST + 2):
        data = block(1, data)

    def deeper(outer: Message) -> None:
        for field in outer.fields():
            deeper(field.message())

    with pytest.raises(Unreadable, match="deeper"):
        deeper(message(data))


def test_fields_are_paid_for() -> None:
    data = number(1, 1) * 5000
    with pytest.raises(LimitReached):
        list(message_of(MemorySource(data), Budget(Limits(opcodes=2000), len(data))).fields())


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_unreadable(data: bytes) -> None:
    reached = 0
    try:
        for field in message(data).fields():
            assert field.offset == reached
            reached = field.start + field.length
        assert reached == len(data)
    except Unreadable:
        assert reached < len(data)
