"""Combined parameters: real ones are clean and listed; what does not fit is never clean."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean
from tests.scan.protobuf_writer import number


def tensor(shape: list[int], data: bytes, dtype: int = 5, levels: bytes = struct.pack("<Q", 0)) -> bytes:
    """One tensor of a stream."""
    described = number(1, dtype) + b"".join(number(2, size) for size in shape)
    return struct.pack("<I", 0) + levels + struct.pack("<Ii", 0, len(described)) + described + data


def test_real_parameters_are_clean_and_listed() -> None:
    result = scanned(made("parameters.pdiparams"), "model.pdiparams")
    assert result.format == "paddle-parameters"
    assert is_plainly_clean(result)
    assert all(each.dtype == "float32" for each in result.tensors)
    weights = sum(each.bytes for each in result.tensors) // 4
    assert ("parameters", str(weights)) in facts(made("parameters.pdiparams"))


def test_two_tensors_and_levels() -> None:
    levels = struct.pack("<QQ", 1, 16) + bytes(16)
    data = tensor([2], bytes(8)) + tensor([2, 2], bytes(4), dtype=21, levels=levels)
    assert [(each.shape, each.dtype) for each in scanned(data).tensors] == [((2,), "float32"), ((2, 2), "int8")]


@pytest.mark.parametrize("shape", [[3], [2**40], [2**31, 2**31, 2**31]])
def test_a_shape_that_the_file_has_no_room_for_is_found(shape: list[int]) -> None:
    assert rules(tensor(shape, bytes(8))) == {"paddle/size-mismatch"}


@pytest.mark.parametrize("tail", [b"\x00", b"planted", bytes(30)])
def test_bytes_behind_the_last_tensor_are_a_gap(tail: bytes) -> None:
    assert scanned(tensor([2], bytes(8)) + tail).verdict == "incomplete"


def test_a_program_among_the_weights_is_found() -> None:
    assert "tensor/other-content" in rules(tensor([8], b"\x7fELF\x02\x01\x01" + bytes(25)))


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("parameters.pdiparams"))), "model.pdiparams")
