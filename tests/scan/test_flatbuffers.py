"""FlatBuffers: every table once, every offset checked, no byte unnoticed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.flatbuffer_writer import Number, Numbers, Table, flatbuffer
from touchstone.scan import flatbuffers
from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.flatbuffers import LARGEST_UNSEEN, Buffer, Schema
from touchstone.scan.source import MemorySource, Unreadable

SCHEMA = Schema(
    {
        "Model": "version u32, name text, nodes* Node, data bytes, sizes* i64, choice_type u8, choice Choice",
        "Node": "op text, inner Node",
        "Left": "number i32",
    },
    unions={"Choice": {1: "Left", 2: "Node"}},
)
MODEL: Table = {
    0: Number("u32", 3),
    1: "model",
    2: [{0: "a"}, {0: "b", 1: {0: "c"}}],
    3: b"bytes",
    4: Numbers("i64", [1, -2]),
    5: Number("u8", 2),
    6: {0: "chosen"},
}


def buffer(data: bytes) -> Buffer:
    """Bytes as a buffer, with the usual limits."""
    return Buffer(MemorySource(data), SCHEMA, Budget(Limits(), len(data)))


def operators(data: bytes) -> tuple[list[str], Buffer, Examination]:
    """Names of all nodes that a walk meets."""
    found: list[str] = []
    examination = Examination("file", Budget(Limits(), len(data)))
    reading = buffer(data)
    flatbuffers.walk(reading.root("Model"), {"Node": lambda table: found.append(table.text("op"))}, examination)
    return found, reading, examination


def test_fields_are_read_by_name() -> None:
    root = buffer(flatbuffer(MODEL, b"TEST")).root("Model")
    assert root.integer("version") == 3
    assert root.text("name") == "model"
    assert root.integers("sizes") == [1, -2]
    part = root.part("data")
    assert part is not None
    assert part.read(0, 99) == b"bytes"
    assert not buffer(flatbuffer({}, b"TEST")).root("Model").has("name")


def test_a_walk_meets_every_table_and_sees_every_byte() -> None:
    found, reading, examination = operators(flatbuffer(MODEL, b"TEST"))
    assert sorted(found) == ["a", "b", "c", "chosen"]
    assert list(reading.unseen()) == []
    assert not examination.collected.gaps


def test_bytes_that_nothing_refers_to_are_noticed() -> None:
    data = flatbuffer(MODEL, b"TEST")
    hidden = b"\x01" * (LARGEST_UNSEEN + 1)
    _, reading, _ = operators(data + hidden)
    assert list(reading.unseen()) == [(len(data), len(hidden))]


def test_an_unknown_field_is_a_gap() -> None:
    _, _, examination = operators(flatbuffer({**MODEL, 9: "new"}, b"TEST"))
    assert [gap.code for gap in examination.collected.gaps] == ["format"]


def test_tables_that_hold_each_other_end() -> None:
    """A node of which `inner` leads back to itself: negative offsets do not exist, so it must go round the end."""
    data = bytearray(flatbuffer({2: [{0: "a", 1: {0: "b"}}]}, b"TEST"))
    root = buffer(bytes(data)).root("Model")
    [node] = root.tables("nodes")
    inner = node.table("inner")
    assert inner is not None
    place = next(at for at in range(node.position, inner.position) if at + _number(data, at) == inner.position)
    struct.pack_into("<I", data, place, node.position - place & 0xFFFFFFFF)
    with pytest.raises(Unreadable):
        operators(bytes(data))


def _number(data: bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


@pytest.mark.parametrize("cut", [4, 8, 20, 40])
def test_a_buffer_that_is_cut_short_is_unreadable(cut: int) -> None:
    with pytest.raises(Unreadable):
        operators(flatbuffer(MODEL, b"TEST")[:cut])


@given(st.data())
def test_flipped_bytes_end_as_tables_or_unreadable(data: st.DataObject) -> None:
    changed = bytearray(flatbuffer(MODEL, b"TEST"))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        operators(bytes(changed))
    except Unreadable as unreadable:
        assert unreadable.why.zh
