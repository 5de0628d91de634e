"""Compressed files: what comes out is examined, as far as it comes out."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

TEXT = b"plain text\n" * 50
PROGRAM = b"\x7fELF" + bytes(60)


def _lzma_alone(content: bytes) -> bytes:
    return lzma.compress(content, lzma.FORMAT_ALONE)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": _lzma_alone,
}
EACH = pytest.mark.parametrize(("kind", "pack"), PACKERS.items(), ids=PACKERS.keys())


def scan(content: bytes, name: str = "f.txt.gz") -> FileResult:
    return scan_bytes(content, name)


def rules(content: bytes) -> list[str]:
    return [finding.rule for finding in scan(content).findings]


@EACH
def test_text_is_clean(kind: str, pack: Callable[[bytes], bytes]) -> None:
    result = scan(pack(TEXT))
    assert (result.format, result.findings, result.gaps) == (kind, (), ())


@EACH
def test_a_program_is_found(kind: str, pack: Callable[[bytes], bytes]) -> None:
    assert rules(pack(PROGRAM)) == ["programs/native-code"]


@EACH
def test_a_program_before_the_damage_is_found(kind: str, pack: Callable[[bytes], bytes]) -> None:
    content = pack(PROGRAM + os.urandom(2_000_000))
    result = scan(content[: len(content) // 2 * 2 - 1000])
    assert [finding.rule for finding in result.findings] == ["programs/native-code"]
    assert "damaged" in [gap.code for gap in result.gaps]


@EACH
def test_bytes_behind_the_stream(kind: str, pack: Callable[[bytes], bytes]) -> None:
    if kind != "lzma":
        assert rules(pack(TEXT) + PROGRAM) == ["compressed/appended", "programs/native-code"]
    assert rules(pack(TEXT) + bytes(512)) == []


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_streams_in_a_row_are_one_content(kind: str) -> None:
    pack = PACKERS[kind]
    assert rules(pack(PROGRAM[:2]) + pack(PROGRAM[2:])) == ["programs/native-code"]
    assert rules(pack(PROGRAM[:2]) + bytes(8) + pack(PROGRAM[2:])) == ["programs/native-code"]


def test_a_bomb() -> None:
    content = gzip.compress(bytes(280 * 2**20))
    tracemalloc.start()
    result = scan(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ("archive/bomb", "high") in [(finding.rule, finding.severity) for finding in result.findings]
    assert peak < 64 * 2**20


def test_a_dictionary_that_needs_too_much_memory_is_a_gap() -> None:
    content = bytearray(lzma.compress(TEXT))
    content[content.index(b"\x21\x01") + 2] = 40  # 4 GiB
    content[20:24] = zlib.crc32(content[12:20]).to_bytes(4, "little")
    assert scan(bytes(content)).verdict == "incomplete"


@pytest.mark.parametrize(
    ("name", "inner"), [("a.txt.gz", "a.txt"), ("a.tgz", "a.tar"), ("a.bin", "content"), ("README.md.XZ", "README.md")]
)
def test_what_comes_out_has_the_name_a_decompressor_would_give_it(name: str, inner: str) -> None:
    (finding,) = scan(gzip.compress(PROGRAM), name).findings
    assert finding.where == f"{name}!{inner}"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(PACKERS)), st.integers(0), st.integers(0, 255))
def test_changed_bytes_never_fail_the_reader(kind: str, place: int, value: int) -> None:
    content = bytearray(PACKERS[kind](TEXT))
    content[place % len(content)] = value
    assert "reader" not in [gap.code for gap in scan(bytes(content)).gaps]
