"""Pictures, sound and tables: clean when they end where they say, reported when something stands behind them."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.zips import zipped
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

PROGRAM = b"\x7fELF" + bytes(60)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def riff(kind: bytes, content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(content)) + kind + content


PNG = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")
SEGMENT = b"\xff\xe0\x00\x10JFIF\x00\xff\xd9" + bytes(7)
SCAN = b"\xff\xda\x00\x04ab" + b"coded\xff\x00data\xff\xd0more"
JPEG = b"\xff\xd8" + SEGMENT + SCAN + b"\xff\xc4\x00\x06\xff\xd9ab" + SCAN + b"\xff\xd9"
GIF = (
    b"GIF89a"
    + bytes(4)
    + b"\x80\x00\x00"
    + bytes(6)
    + b"\x21\xf9\x04abcd\x00"
    + b"\x2c"
    + bytes(8)
    + b"\x00\x02\x03abc\x00\x3b"
)
BMP = b"BM" + struct.pack("<IIIIiiHHIIiiII", 58, 0, 54, 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0) + bytes(4)
WEBP = riff(b"WEBP", b"VP8 " + struct.pack("<I", 3) + b"abc\x00")
WAVE = riff(b"WAVE", b"data" + struct.pack("<I", 2) + b"ab")
SAMPLES = {"png": PNG, "jpeg": JPEG, "gif": GIF, "bmp": BMP, "webp": WEBP, "wav": WAVE}
EACH = pytest.mark.parametrize(("kind", "content"), SAMPLES.items(), ids=SAMPLES.keys())


def scan(content: bytes) -> FileResult:
    return scan_bytes(content, "f")


def facts(content: bytes) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in scan(content).findings]


@EACH
def test_data_that_end_where_they_say_are_clean(kind: str, content: bytes) -> None:
    result = scan(content)
    assert (result.format, result.findings, result.gaps) == (kind, (), ())
    assert scan(content + bytes(100)).verdict == "clean"


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp"])
def test_pictures_of_a_real_library_are_clean(kind: str) -> None:
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.effect_noise((64, 64), 50).convert("RGB").save(stream, kind)
    result = scan(stream.getvalue())
    assert (result.format, result.verdict) == (kind, "clean")


@EACH
def test_what_stands_behind_is_reported(kind: str, content: bytes) -> None:
    assert facts(content + b"more text") == [("data/appended", "medium")]
    assert facts(content + PROGRAM) == [("data/appended", "high"), ("programs/native-code", "high")]


@EACH
def test_an_archive_behind_a_picture(kind: str, content: bytes) -> None:
    rules = [rule for rule, _ in facts(content + zipped(("evil.so", PROGRAM)))]
    assert {"data/appended", "file/also-archive", "programs/native-code"} <= set(rules)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "wav"])
def test_what_is_cut_off_is_a_gap(kind: str) -> None:
    assert [gap.code for gap in scan(SAMPLES[kind][:-2]).gaps] == ["damaged"]


def test_tables_that_end_otherwise_than_they_begin_are_a_gap() -> None:
    assert scan(b"PAR1" + bytes(20) + b"PAR1").verdict == "clean"
    assert scan(b"PAR1" + bytes(20) + b"PAR2").verdict == "incomplete"
    assert scan(b"ARROW1\x00\x00" + bytes(20) + b"ARROW1").verdict == "clean"
    assert scan(b"ARROW1\x00\x00" + bytes(20)).verdict == "incomplete"


def test_an_empty_file_is_clean() -> None:
    assert (scan(b"").format, scan(b"").verdict) == ("empty", "clean")


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0), st.integers(0, 255), st.booleans())
def test_changed_bytes_never_fail_the_reader(kind: str, place: int, value: int, cut: bool) -> None:
    content = bytearray(SAMPLES[kind])
    place %= len(content)
    content[place] = value
    assert "reader" not in [gap.code for gap in scan(bytes(content[:place] if cut else content)).gaps]
