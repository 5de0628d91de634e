"""A tensor that begins like a program, an archive or a pickle is reported and examined."""

from __future__ import annotations

import random

import pytest

from tests.scan.formats.damage import rules, scanned
from tests.scan.formats.test_safetensors import entry, safetensors


def tensor(content: bytes) -> bytes:
    return safetensors({"a": entry(0, len(content))}, content)


@pytest.mark.parametrize(
    "content",
    [
        b"\x7fELF\x02\x01\x01" + bytes(57),
        b"PK\x03\x04\x14\x00" + bytes(58),
        b"\x80\x02cos\ngetpid\n)R.".ljust(64, b"\x00"),
        b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c".ljust(64, b"."),
        b"cposix\ngetpid\n(tR.".ljust(64, b"\x00"),
        b"#!/bin/sh\necho planted\n".ljust(64, b"#"),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".ljust(64, b"\x00"),
        (b"MZ" + bytes(58) + b"\x40\x00\x00\x00" + b"PE\x00\x00").ljust(128, b"\x00"),
    ],
)
def test_marks_of_other_formats_are_found(content: bytes) -> None:
    assert "tensor/other-content" in rules(tensor(content))


@pytest.mark.parametrize("content", [b"MZ" + bytes(62), b"\x7fELF", b"#!" + bytes(62), b"\x80\x02" + bytes(62)])
def test_what_only_looks_a_little_like_it_is_left_alone(content: bytes) -> None:
    assert scanned(tensor(content)).verdict == "clean"


def test_random_bytes_are_left_alone() -> None:
    generator = random.Random(8)  # noqa: S311 - test data
    assert all(scanned(tensor(generator.randbytes(64))).verdict == "clean" for _ in range(300))
