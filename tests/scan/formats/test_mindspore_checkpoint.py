"""MindSpore checkpoints: real ones are clean and listed; what does not fit is found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean
from tests.scan.protobuf_writer import block, number


def value(name: str, shape: list[int], data: bytes, kind: str = "Float32") -> bytes:
    """One tensor, or one piece of one."""
    tensor = b"".join(number(1, size) for size in shape) + block(2, kind) + block(3, data)
    return block(1, block(1, name) + block(2, tensor))


def test_a_real_checkpoint_is_clean_and_listed() -> None:
    result = scanned(made("network.ckpt"), "network.ckpt")
    assert result.format == "mindspore-checkpoint"
    assert is_plainly_clean(result)
    assert result.tensors
    assert ("framework", "mindspore") in facts(made("network.ckpt"))


def test_a_checksum_may_follow() -> None:
    assert is_plainly_clean(scanned(value("w", [2], bytes(8)) + b"crc_num" + bytes(10)))
    assert scanned(value("w", [2], bytes(8)) + b"crc_numX" + bytes(10)).verdict != "clean"


def test_pieces_of_a_tensor_are_one() -> None:
    assert is_plainly_clean(scanned(value("w", [4], bytes(8)) + value("w", [4], bytes(8))))
    assert rules(value("w", [4], bytes(8)) + value("v", [4], bytes(8))) == {"mindspore/size-mismatch"}


@pytest.mark.parametrize("shape", [[3], [2**40], [-1], []])
def test_sizes_that_do_not_fit_are_found(shape: list[int]) -> None:
    assert rules(value("w", shape, bytes(8))) == {"mindspore/size-mismatch"}


def test_a_program_among_the_weights_is_found() -> None:
    assert "tensor/other-content" in rules(value("w", [8], b"\x7fELF\x02\x01\x01" + bytes(25)))


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    scanned(data.draw(damaged(made("network.ckpt"))), "network.ckpt")
