"""Zstandard: frames of the reference program are unpacked, damaged ones end as gaps."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.zips import Made, made
from touchstone.scan.cursor import Cursor
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult
from touchstone.scan.formats.zstd import MAGIC, unpack_frame
from touchstone.scan.source import MemorySource

PROGRAM = b"\x7fELF" + bytes(60)

WRITTEN = {
    "words, level 1": (
        (
            "KLUv/WD4B8UWADYWMw7A5QHp3sYm5Qr5/9s/Zy4ALgAuAHVad1bwNCCZErbFR5SMR1hgaME8QZLieL2SjYrYUEDG5aJwhwIqpS1g"
            "EnNPxj11xCoZBCtyo03tDw5WhdiL1qTPHiSzB1gDIdaAmMFEGNpoGDLztk3ZRcKBIFw0PJZ5EGtpE+t8BCoQVrVS2vPJnM8PmIf8"
            "gFhLWxhK7x23BbEyqKdIkGC2cQXpC+Mu3KGA1tZpf4QhsW6m9ry2don1B7Wlrc2Dx7123Hdx51Pan0ypZR5XtePOAYEgqMGKmSQF"
            "qZM2AxFIEAfTZg8R5FSsUdIBOo0Ty6AmiKWZfC9FpSKRlQW8gVjPYE5e+QloZNono4xsPtZV9sbDqiYQ0FJnLJp3jI8OxH8JR3Tl"
            "ruyAT1dgltBrXiFWa8Nh+0JxYW3/5J+zxe/vrJhe/dRZubMGKApAd4JBwKLclHcUZO+VR1No0p9eaylmiCJzTeevzpkwteqxpYDe"
            "oZPKbugjuL5o6xn0ia4DoEVybSN0O5YJf4zNtJUXCFpcEF2jfsx48Ka+XCOPkm5YRn5e9lmz3bKdn25cV7ds2Go2QpieZCuZtyOe"
            "zrD6C+3wtA6lxSXziNVzG4ZKb6XH55iuUC8+ED3Kq8+ZmWruyIlg/Yumkjp7c+t3uT9YVjvh3moenLh+eIz2/ZMRvZUkroYueiYT"
            "UdYwg8iVqNCQxvUjChMnYgG1i4JfQLIOLzrY7aK0AW8PUa84fOtqdZGH+I4UmKWFOoTKwK//R3r5VLdzC2EG455aoiBOyYCRpJI8"
            "6+HMBQcKszlU4KW4nKrZMQtLCHRFHhNRHoEDS0UwRHs3BuxHko2VRdnbIVeuQqNse/dZGAFL7aRykA5d1aegBwAgDRIlaY+bRQjh"
            "LjRakIOI4ILkiuFMEyrzzdIDq1nrk/zDsh4uyHbB/AQgoVXDSTxagcnhxGMVl1jn38AzREM25JLSfSopX6gC"
        ),
        2296,
        3491118768,
    ),
    "words, level 19": (
        (
            "KLUv/WT4B90UAMJPJA/A5QGsLGGTciX5/13XPAGjeHRG3ekdtvDo6CiO3u3O6BiVNAxJM3onvDuS7K1V2yRSP0DLgAS3a9oRUydy"
            "0baNZJQ58INinniA0ruIxe9aAnU4WBRmJ+hJRoJiXISb9K5qwIYFwTjFi4GPwu8utJPlCGjlmyb6dpXgl2yMjIAEn/pRp/ZtMQE/"
            "2A9ydlofxQGBJ6gRT0lBSQpqZBkDESAEFMQBOXcHUQhGFoObtgFlqeNBSqUTh2gsrraUFI9/SSDAWeTVpylCsp1pjBjf+s9aTK1q"
            "6RBC+htGdY1MiHiBwy6iY6baIYYs63NORK2QvhuY08IXMF+2/+WfM+e3cH6m18E66axAvorR7QNDmeox38cnwYqpQH7iqV4pG4II"
            "XstXlHH+EphScZX9zE6mUBagG8MBeiJ5Ko/JKwLuO7LbsRh39my5qiQhfO8hUupNCe8Aflg1OhfD4dinT2fcei0IxUksdRYhn1j9"
            "G6+Dp7J6mC84I4RT9tSBfJ1uXGo3zgqANn4p9vD+zHBh1g8TJr3UKuZomXDn36Gxzp19ynblJQhcfFbUVndqj/A0IeK+X7Fj/Euj"
            "fJlEWo1SERgmDrlGpACYNiyagK9T9GPKLVgL8QkVdeHN2rqSQJWCFmAQ1hxGa0hPTU5HuynwtMU+dAw6DAXx417GVOsUMckMu2xp"
            "AY1xSIYGSSXIEqhR0UEWqhTdRkKtRo28MVmN1LBFivRM0zwXAMa8Chya9LJ2Sr6jy1o22r1cMo7kaGjz9AMNtLiZVGnSoK/OEBwQ"
            "gGXwytL8lhYuwwSCWogOFJV0Utj9TOwEdbmskiP3AFrt+IRP7eujgO40Kj6AfpmDSPZSIDh4PDCxj1Up49BhRqN1WPTp35Ua8XsQ"
            "qAFyQcTT"
        ),
        2296,
        3491118768,
    ),
    "skewed, level 1": (
        (
            "KLUv/WCwA+0OALacNxPw2hYOpMuoJ1NqZ5bpTBMRIlMKMgAxADAAzoWYNep2RsxIoUv3LMIo3EGrVyHTbTwp2lXPGd1RqVx9qUrO"
            "5ZNwq5fcYjIg2UcaaAJOHgsVuVKQbk9L9TGpg5hBH5jPKbMr6SiaShe53QKdSTnAndYPu+j3ceZN3BRwpIoBq/NJbywgfc2FNMGX"
            "gWkAV8DrB5wEdwl0zZV62j3XSnVo9K3LeOpyhVbTbqlygpoJc+5ecCZtiqZkIqh4+lq8ZZx3s5XRlOaT2NHrjWE59F7n0nQ2WglE"
            "SApIW5Vr6L+Dx4CFqEGlY87QkDRJZRgDUAIxqOy6ARAY86gDg7R/jV9ULvII3risgQwSJEIWzwaaJTQOyaBJ9wysFql3NS2bjPHj"
            "SerVJkjkuUdwSp0GG39w9z5GQfuhJ8huYL9qb+gcLyPwP9bCvVyd6PtPO6IESYKS+uPQpMROvxqBIbtE9Fv7olrlrCBvAWVgAiuQ"
            "PEMEwgMsVb+Qb3+iWh2dO8VsQFKxWc0SqwDpo8QfpiQWxXcGorBirOFHaAIRjTAiIwVNsLFu2O2tEQW8R6CR5V5CSWTNHmiYJYFB"
            "khad/wVBQ9QTjSwOjVM9juz0332Bxlf14zRF+geqjE0vbXwQBQ=="
        ),
        1200,
        413442814,
    ),
    "skewed, level 19": (
        (
            "KLUv/WSwA+0LAGpJsAUX4LImGQ4w4LCNcaSXmeEo5v3xt0bIlilTAFcAUgA/C7bsEl/PQPkGz6NPEKP4vGmLyPdF/I/cDx/PfwnG"
            "/vs3fQLEw/5f/PKOZNTXEdxzFXvL5HJrNEN8t2g09o6Nch6vCQ4noylz8C//CQX9i5xQBBsNinsyc9WvEugzf/Mxg/S/dI6/sYX9"
            "2QhxwScHBpxsBuT5/+OeV45PWF68CghBKtGjnM25R/Qo/3PxG3LJptO4JJlO+y1yhf/cZjGGcCpdQ0uqCUP0ZZWF8v7xsxG+yrRx"
            "ClzPKoCEvahyipdsM5AbRf8a+k3iGd74/hvLbGwUPp/0oGQAyxwj7B2h/nV+S5x/4fYtPRQ+Zsb/vCeTK5X8/2ke39h2YzNztv1S"
            "hm/xaexPRJkYXJ71XJaFD81NLsd/Doh8/ufpP4jF7//VpvFuijtO/0RcTpaZ0HNopL7FFAGO8yNp6vkvz/nFMhdfks89kaN/8mYH"
            "8js/AwD1pYbEKOVsA4aaAgbN4gw="
        ),
        1200,
        413442814,
    ),
    "zeros, level 1": (
        ("KLUv/aBADQMAVAAAEAAAAQD7/znAAgNqCAA="),
        200000,
        1558206587,
    ),
    "short, level 19": (
        ("KLUv/SQXnQAAaHBsYWluIHRleHQsIAoBAN9KEgrsgQI="),
        23,
        2581285888,
    ),
    "two, level 1": (
        (
            "KLUv/aDYLwcA1AIAMoYPDtDnCSgJkSK7ewcAgLAWH8JHM9IpPKVsoo4hd9pltoRaQjSjGe0y6RQ+8MEuP/B6Y8CWEAHwRY0fwsfr"
            "jUEIAFn/IMsAHxzTla4asgHeNqWKYZTM61ueTAAACGgBAPz/ORACTAAACGEBAPz/ORACTQAACGwBANQvORAC"
        ),
        471000,
        3733751817,
    ),
}
"""Frames written by zstd 1.5.7 at the level named, and the length and CRC-32 of what they were made from: repeated
words (Huffman coded literals, FSE coded sequences), unevenly spread bytes, zeros, one line, repeats across blocks."""


def unpacked(content: bytes) -> bytes:
    return b"".join(unpack_frame(Cursor(MemorySource(content), len(MAGIC))))


def scan(content: bytes) -> FileResult:
    return scan_bytes(content, "f.txt.zst")


def rules(content: bytes) -> list[str]:
    return [finding.rule for finding in scan(content).findings]


def framed(*blocks: tuple[int, bytes], size: int | None = None) -> bytes:
    """A frame of blocks, each a kind and its content; `size` is what the last block says instead of its length."""
    body = b""
    for index, (kind, content) in enumerate(blocks):
        is_last = index == len(blocks) - 1
        length = size if size is not None and is_last else len(content)
        body += (is_last | kind << 1 | length << 3).to_bytes(3, "little") + content
    return MAGIC + b"\x00\x58" + body


@pytest.mark.parametrize("name", WRITTEN)
def test_frames_of_the_reference_program(name: str) -> None:
    frame, size, checksum = WRITTEN[name]
    content = unpacked(base64.b64decode(frame))
    assert (len(content), zlib.crc32(content)) == (size, checksum)


def test_stored_and_repeated_blocks() -> None:
    assert unpacked(framed((0, b"plain text"), (1, b"a"), size=3)) == b"plain textaaa"


def test_text_is_clean() -> None:
    for content in (framed((0, b"plain text\n")), framed((0, b"plain ")) + framed((0, b"text\n"))):
        result = scan(content)
        assert (result.format, result.verdict) == ("zstd", "clean")


def test_a_program_is_found() -> None:
    assert rules(framed((0, PROGRAM))) == ["programs/native-code"]
    assert rules(framed((0, PROGRAM), (2, b""))) == ["programs/native-code"]
    assert rules(made(Made(b"a", framed((0, PROGRAM)), method=93, unpacked=64, checksum=zlib.crc32(PROGRAM)))) == [
        "programs/native-code"
    ]


def test_bytes_outside_the_frames() -> None:
    frame = framed((0, b"plain text\n"))
    skipped = b"\x53\x2a\x4d\x18" + struct.pack("<I", len(PROGRAM)) + PROGRAM
    for content in (frame + PROGRAM, frame + skipped, skipped + frame):
        assert sorted(rules(content)) == ["compressed/appended", "programs/native-code"]
    assert rules(frame + b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + bytes(4)) == []


@pytest.mark.parametrize(
    "content",
    [
        MAGIC,
        framed((0, b"text"), size=9),
        framed((3, b"text")),
        framed((2, b"\x00")),
        framed((0, b"text"), size=2**20),
        MAGIC + b"\x01\x58\x07" + framed((0, b"text"))[6:],
        MAGIC + b"\x08\x58" + framed((0, b"text"))[6:],
        base64.b64decode(WRITTEN["words, level 19"][0])[:-100],
    ],
    ids=["magic", "cut off", "kind", "no sequences", "too large", "dictionary", "reserved", "cut off in codes"],
)
def test_damage_is_a_gap(content: bytes) -> None:
    assert "damaged" in [gap.code for gap in scan(content).gaps]


def test_unpacking_stops_at_a_limit() -> None:
    blocks = [(1, b"a")] * 400
    content = b"".join((128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"a" for _ in blocks)
    result = scan(MAGIC + b"\x00\x58" + content)
    assert "limit" in [gap.code for gap in result.gaps]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(WRITTEN)), st.integers(0), st.integers(0, 255))
def test_changed_bytes_never_fail_the_reader(name: str, place: int, value: int) -> None:
    content = bytearray(base64.b64decode(WRITTEN[name][0]))
    content[place % len(content)] = value
    assert "reader" not in [gap.code for gap in scan(bytes(content)).gaps]


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60))
def test_any_block_ends(data: bytes) -> None:
    assert "reader" not in [gap.code for gap in scan(framed((2, data))).gaps]
