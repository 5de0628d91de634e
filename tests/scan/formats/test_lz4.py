"""LZ4 frames, made by hand and by the reference program."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.scan.cursor import Cursor
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult
from touchstone.scan.formats.lz4 import MAGIC, unpack_frame
from touchstone.scan.source import MemorySource

PROGRAM = b"\x7fELF" + bytes(60)


def framed(*blocks: bytes, flags: int = 0x60, end: bytes = bytes(4)) -> bytes:
    return b"\x04\x22\x4d\x18" + bytes((flags, 0x40, 0)) + b"".join(blocks) + end


def block(*sequences: bytes) -> bytes:
    data = b"".join(sequences)
    return struct.pack("<I", len(data)) + data


def stored(data: bytes) -> bytes:
    return struct.pack("<I", len(data) | 0x80000000) + data


def scan(content: bytes) -> FileResult:
    return scan_bytes(content, "f.lz4")


def rules(content: bytes) -> list[str]:
    return [finding.rule for finding in scan(content).findings]


def test_literals_and_copies_that_repeat_themselves() -> None:
    # four literals, then 40 zeros as one zero and a copy with distance one
    content = block(b"\x5f\x7fELF\x00\x01\x00" + bytes((40 - 4 - 15,)), b"\x50" + b"\x00" * 5)
    assert rules(framed(content)) == ["programs/native-code"]


def unpacked(content: bytes) -> bytes:
    return b"".join(unpack_frame(Cursor(MemorySource(content), len(MAGIC))))


def test_copies_reach_back_into_the_block_before() -> None:
    first, second = stored(b"abcdefgh"), block(b"\x04\x08\x00", b"\x50vwxyz")
    assert unpacked(framed(first, second, flags=0x40)) == b"abcdefghabcdefghvwxyz"
    assert "damaged" in [gap.code for gap in scan(framed(first, second, flags=0x60)).gaps]


@pytest.mark.parametrize(
    "frame",
    [
        "BCJNGGRApykAAADIcGxhaW4gdGV4dCwgDABHbW9yZREAGAocAAgMAA8oAP//ylB0ZXh0CgAAAAB5/5UL",
        "BCJNGGhAIAMAAAAAAAA7KQAAAMhwbGFpbiB0ZXh0LCAMAEdtb3JlEQAYChwACAwADygA///KUHRleHQKAAAAAA==",
        "BCJNGHRAvSkAAADIcGxhaW4gdGV4dCwgDABHbW9yZREAGAocAAgMAA8oAP//ylB0ZXh0CgXNlMIAAAAAef+VCw==",
    ],
    ids=["lz4 1.9.4", "python-lz4", "python-lz4 with checksums"],
)
def test_frames_of_the_reference_programs(frame: str) -> None:
    assert unpacked(base64.b64decode(frame)) == b"plain text, plain text, more plain text\n" * 20


@pytest.mark.parametrize(
    "content",
    [
        framed(),
        framed(stored(b"plain text\n")),
        framed(stored(b"plain ")) + framed(stored(b"text\n")),
    ],
)
def test_text_is_clean(content: bytes) -> None:
    assert scan(content).verdict == "clean"


@pytest.mark.parametrize(
    "content",
    [
        framed(stored(b"a"), end=b""),
        framed(stored(b"a"), flags=0x20),
        framed(stored(b"a"), flags=0x61),
        framed(block(b"\x10a\x05\x00")),
        framed(block(b"\xf0\xff\xff")),
        framed(block(b"\x1fa\x01\x00" + b"\xff" * 300 + b"\x00", b"\x10a")),
        framed(struct.pack("<I", 2**24)),
    ],
    ids=["no end", "version", "dictionary", "distance", "literals", "too long", "block size"],
)
def test_damage_is_a_gap(content: bytes) -> None:
    result = scan(content)
    assert "damaged" in [gap.code for gap in result.gaps]


def test_bytes_behind_the_frames() -> None:
    assert rules(framed(stored(b"text\n")) + PROGRAM) == ["compressed/appended", "programs/native-code"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_block_ends(data: bytes) -> None:
    assert "reader" not in [gap.code for gap in scan(framed(block(data), flags=0x40)).gaps]
