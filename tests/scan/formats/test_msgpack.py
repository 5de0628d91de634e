"""MessagePack, above all as Flax writes it: arrays are known, everything else is data or is reported."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, rules, scanned


def text(value: str) -> bytes:
    return bytes((0xA0 | len(value),)) + value.encode()


def array(dtype: str, shape: tuple[int, ...], data: bytes, kind: int = 1) -> bytes:
    body = b"\x93" + bytes((0x90 | len(shape), *shape)) + text(dtype) + b"\xc5" + struct.pack(">H", len(data)) + data
    return b"\xc8" + struct.pack(">Hb", len(body), kind) + body


def mapping(*pairs: tuple[str, bytes]) -> bytes:
    return bytes((0x80 | len(pairs),)) + b"".join(text(key) + value for key, value in pairs)


PLAIN = mapping(
    ("params", mapping(("kernel", array("float32", (2, 3), bytes(24))), ("bias", array("bfloat16", (3,), bytes(6))))),
    ("step", b"\xcd\x01\x00"),
    ("rates", b"\x92\xcb" + bytes(8) + b"\xc0"),
    ("scalar", array("int32", (), bytes(4), kind=3)),
    ("complex", b"\xd8\x02" + bytes(16)),
    ("note", text("plain")),
)


def test_a_checkpoint_of_flax_is_clean_and_its_arrays_are_known() -> None:
    result = scanned(PLAIN)
    assert (result.format, result.verdict, result.findings) == ("msgpack", "clean", ())
    tensors = {tensor.name: tensor for tensor in result.tensors}
    kernel = tensors["params/kernel"]
    assert (kernel.dtype, kernel.shape, kernel.bytes) == ("float32", (2, 3), 24)
    assert PLAIN[kernel.offset : kernel.offset + 24] == bytes(24)
    assert {("framework", "flax"), ("parameters", "10")} <= facts(PLAIN)


CALL = b"\x80\x02cos\ngetpid\n)R."


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (mapping(("a", b"\xd4\x2ax")), "msgpack/unknown-extension"),
        (mapping(("nd", b"\xc3"), ("kind", text("O")), ("data", b"\xc4\x02xx")), "msgpack/pickled-array"),
        (mapping(("data", b"\xc4" + bytes((len(CALL),)) + CALL)), "pickle/dangerous-call"),
        (mapping(("a", array("float32", (2, 3), bytes(25)))), "msgpack/size-mismatch"),
        (mapping(("a", b"\x01"), ("a", b"\x02")), "msgpack/repeated-key"),
        (mapping(("a", b"\x01")) + b"tail", "msgpack/hidden-bytes"),
    ],
)
def test_what_is_not_plain_data_is_found(content: bytes, rule: str) -> None:
    assert rule in rules(content)


@pytest.mark.parametrize(
    "content",
    [
        mapping(("a", b"\xdd\xff\xff\xff\xff")),
        mapping(("a", b"\xdf\xff\xff\xff\xff")),
        mapping(("a", b"\x91" * 200 + b"\xc0")),
        mapping(("a", b"\xc6\xff\xff\xff\xff")),
        mapping(("a", array("object", (1,), bytes(8)))),
        mapping(("a", b"\xc1")),
        PLAIN[:-3],
    ],
)
def test_what_is_not_understood_is_never_clean(content: bytes) -> None:
    assert scanned(content).verdict != "clean"


@settings(max_examples=200, deadline=None)
@given(damaged(PLAIN))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
