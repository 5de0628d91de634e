"""ExecuTorch: kernels, delegated parts and segments are held to what is known."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.flatbuffer_writer import Number, Numbers, Table, flatbuffer
from tests.scan.formats.damage import damaged, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean


def program(*, operator: str = "aten::add", delegates: list[Table] | None = None, more: Table | None = None) -> bytes:
    """A program of one kernel, with everything a plan has."""
    values: list[Table] = [
        {0: Number("u8", 5), 1: {0: Number("i8", 6), 2: Numbers("i32", [2]), 6: {0: Number("u32", 1)}}},
        {0: Number("u8", 6), 1: {0: "text"}},
        {0: Number("u8", 7), 1: {0: Numbers("i64", [1])}},
    ]
    plan: Table = {
        0: "forward",
        1: {0: "in", 1: "out"},
        2: values,
        3: Numbers("i32", [0]),
        5: [{2: [{0: Number("u8", 1), 1: {0: Number("i32", 0), 1: Numbers("i32", [0])}}]}],
        6: [{0: operator, 1: "out"}],
        7: delegates or [],
    }
    return flatbuffer({0: Number("u32", 0), 1: [plan], **(more or {})}, b"ET12")


def delegate(backend: str) -> Table:
    """A delegate whose data is the first piece of inline data."""
    return {0: backend, 1: {0: Number("i8", 0), 1: Number("u32", 0)}}


def test_what_executorch_exports_is_clean() -> None:
    result = scanned(made("linear.pte"), "linear.pte")
    assert result.format == "executorch"
    assert is_plainly_clean(result)


def test_a_plain_program_is_clean() -> None:
    result = scanned(program())
    assert result.format == "executorch"
    assert is_plainly_clean(result)


def test_a_kernel_of_another_library_is_found() -> None:
    assert rules(program(operator="planted::run")) == {"executorch/custom-operator"}


def test_delegated_parts() -> None:
    numbers: Table = {3: [{0: b"XH00" + bytes(60)}]}
    assert is_plainly_clean(scanned(program(delegates=[delegate("XnnpackBackend")], more=numbers)))
    unknown = scanned(program(delegates=[delegate("PlantedBackend")], more=numbers))
    assert [gap.code for gap in unknown.gaps] == ["format"]
    native: Table = {3: [{0: b"\x7fELF\x02\x01\x01" + bytes(60)}]}
    assert "executorch/native-code" in rules(program(delegates=[delegate("AotiBackend")], more=native))


def with_segment(size: int) -> bytes:
    """A program with an extended header, which says that one segment follows it."""
    root: Table = {0: Number("u32", 0), 4: [{0: Number("u64", 0), 1: Number("u64", size)}]}
    data = bytearray(flatbuffer(root, b"ET12", gap=32))
    data[8:40] = b"eh00" + struct.pack("<IQQQ", 32, len(data), len(data), size)
    return bytes(data)


def test_segments_lie_behind_the_program() -> None:
    segment = bytes(range(200)) * 2
    assert is_plainly_clean(scanned(with_segment(400) + segment))
    assert rules(with_segment(400) + segment[:-1]) == {"executorch/segment-out-of-range"}


def test_a_segment_at_the_end_of_numbers_is_found() -> None:
    data = bytearray(with_segment(400) + bytes(400))
    struct.pack_into("<Q", data, 24, 2**64 - 1)
    assert "executorch/segment-out-of-range" in rules(bytes(data))


@pytest.mark.parametrize("tail", [b"planted!" * 40])
def test_bytes_behind_the_program_are_a_gap(tail: bytes) -> None:
    assert [gap.code for gap in scanned(program() + tail).gaps] == ["damaged"]


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(data.draw(st.sampled_from([program(), made("linear.pte")])))), "model.pte")
