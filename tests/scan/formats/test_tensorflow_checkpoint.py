"""Checkpoint indexes: real ones are clean and name their data files; places that lie are found."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean
from tests.scan.protobuf_writer import block, number, varint
from touchstone.scan.binary_kinds import recognise_binary
from touchstone.scan.source import MemorySource

FOOTER = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"


def a_block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A block of keys that share nothing, with one restart, uncompressed."""
    written = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries)
    return written + struct.pack("<II", 0, 1) + b"\x00" + bytes(4)


def index(entries: list[tuple[bytes, bytes]], between: bytes = b"") -> bytes:
    """A table of one block."""
    data = a_block(entries)
    meta = a_block([])
    at_meta = len(data) + len(between)
    handles = a_block([(b"z", varint(0) + varint(len(data) - 5))])
    at_index = at_meta + len(meta)
    footer = varint(at_meta) + varint(len(meta) - 5) + varint(at_index) + varint(len(handles) - 5)
    return data + between + meta + handles + footer.ljust(40, b"\x00") + FOOTER


HEADER = (b"", number(1, 1) + block(3, number(1, 1)))


def entry(name: bytes, shape: list[int], size: int, offset: int = 0) -> tuple[bytes, bytes]:
    """A tensor of floats."""
    dimensions = b"".join(block(2, number(1, each)) for each in shape)
    return name, number(1, 1) + block(2, dimensions) + number(4, offset) + number(5, size) + varint(6 << 3 | 5) + bytes(
        4
    )


def test_a_real_index_is_clean_and_names_its_data() -> None:
    result = scanned(made("variables.index"), "variables/variables.index")
    assert result.format == "tensorflow-checkpoint"
    assert is_plainly_clean(result)
    [reference] = result.references
    assert (reference.path, reference.role) == ("variables.data-00000-of-00001", "tensors")
    assert reference.reach > 0


def test_tensors_are_counted() -> None:
    assert ("parameters", "10") in facts(index([HEADER, entry(b"w", [2, 5], 40)]), "a.index")


@pytest.mark.parametrize(("shape", "size", "offset"), [([2, 5], 44, 0), ([-1], 4, 0), ([2**40], 4, 0), ([1], 4, -8)])
def test_places_that_lie_are_found(shape: list[int], size: int, offset: int) -> None:
    assert rules(index([HEADER, entry(b"w", shape, size, offset)])) == {"tensorflow-checkpoint/size-mismatch"}


def test_bytes_of_no_block_are_a_gap() -> None:
    assert [gap.code for gap in scanned(index([HEADER], between=b"planted!")).gaps] == ["damaged"]


def test_a_table_without_a_header_is_no_checkpoint() -> None:
    assert scanned(index([entry(b"w", [1], 4)])).verdict == "incomplete"


def test_a_large_file_is_told_by_its_end() -> None:
    data = b"\xff" * 5000 + FOOTER
    assert recognise_binary(MemorySource(data), data[:4096]) == "tensorflow-checkpoint"


@settings(max_examples=150)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("variables.index"))) + FOOTER, "a.index")
