"""Files that are one compressed stream, or several in a row, as gzip, joblib and xz write them.

The loader unpacks and goes on with what comes out, so we do: what was unpacked before damage, or before a limit, is
examined as well. A pickle runs as it is read, long before anything finds the stream broken ("nullifAI", 2025).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.bombs import BOMB, is_quine, judge_depth, judge_ratio
from touchstone.scan.formats.frames import Frames, lz4_frames, zstd_frames
from touchstone.scan.source import WINDOW, Source
from touchstone.scan.spans import is_zero
from touchstone.scan.spool import unpack
from touchstone.scan.streams import GZIP, ZLIB, Decompressor, Inflater, Stream, bzip2, xz_or_lzma
from touchstone.text import Text

APPENDED: Final = Rule(
    id="compressed/appended",
    severity="medium",
    nature="threat",
    title=Text("Bytes in the file are no part of the compressed data", "文件中有不属于压缩数据的内容"),
    remedy=Text(
        "Ask whoever made the file what these bytes are, or for one without them.",
        "请提供方说明这些数据的用途，或重新压缩并去除。",
    ),
    references=("CWE-506",),
)
RULES: Final[tuple[Rule, ...]] = (APPENDED, BOMB)

_SUFFIX: Final = re.compile(r"(.+)\.(gz|bz2|xz|lzma|zst|lz4|z|t(?:gz|bz2|xz|zst))", re.IGNORECASE)


def read_gzip(source: Source, examination: Examination) -> None:
    """Read a gzip file (RFC 1952)."""
    _read(source, examination, lambda: Inflater(GZIP), b"\x1f\x8b")


def read_zlib(source: Source, examination: Examination) -> None:
    """Read a zlib stream (RFC 1950), the default of joblib."""
    _read(source, examination, lambda: Inflater(ZLIB), b"\x78")


def read_bzip2(source: Source, examination: Examination) -> None:
    """Read a bzip2 file."""
    _read(source, examination, bzip2, b"BZh")


def read_xz(source: Source, examination: Examination) -> None:
    """Read an xz file."""
    _read(source, examination, xz_or_lzma, b"\xfd7zXZ\x00")


def read_lzma(source: Source, examination: Examination) -> None:
    """Read an LZMA file, the format before xz."""
    _read(source, examination, xz_or_lzma, b"\x5d\x00\x00")


def read_lz4(source: Source, examination: Examination) -> None:
    """Read LZ4 frames."""
    _examine(source, examination, lz4_frames(source))


def read_zstd(source: Source, examination: Examination) -> None:
    """Read Zstandard frames."""
    _examine(source, examination, zstd_frames(source))


def _read(source: Source, examination: Examination, begin: Callable[[], Decompressor], magic: bytes) -> None:
    _examine(source, examination, _Streams(source, begin, magic))


class _Streams:
    """What all streams of a file unpack to; `stop` is where the last of them ends."""

    def __init__(self, source: Source, begin: Callable[[], Decompressor], magic: bytes) -> None:
        self._source, self._begin, self._magic = source, begin, magic
        self.stop = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.stop == 0 or self._source.read(self.stop, len(self._magic)) == self._magic:
            stream = Stream(self._begin(), self._source, self.stop)
            yield from stream
            yield b""  # lets the time be checked, however many empty streams there are
            self.stop = stream.stop + self._padding(stream.stop)

    def _padding(self, start: int) -> int:
        """Zeros before a further stream, which unpackers go over."""
        following = self._source.read(start, WINDOW)
        stripped = following.lstrip(b"\x00")
        return len(following) - len(stripped) if stripped.startswith(self._magic) else 0


def _examine(source: Source, examination: Examination, streams: _Streams | Frames) -> None:
    unpacked = unpack(streams, examination.budget)
    if unpacked.problem is not None:
        examination.gap(unpacked.problem, unpacked.code)
    else:
        _read_rest(source.part(streams.stop, source.size), streams.stop, examination)
    if isinstance(streams, Frames):
        for skipped in streams.skipped:
            _read_rest(skipped, -1, examination)
    judge_ratio(unpacked, source.size, examination)
    judge_depth(unpacked.data, examination)
    if is_quine(unpacked.data, source):
        examination.report(BOMB, "unpacks to itself")
    else:
        examination.examine(unpacked.data, _inner_name(examination.name))


def _read_rest(rest: Source, offset: int, examination: Examination) -> None:
    """Padding with zeros is common on tapes and in xz; anything else was put there."""
    if is_zero(rest):
        return
    examination.report(APPENDED, repr(rest.read(0, 16)), offset=offset, length=rest.size)
    examination.examine(rest, "appended bytes")


def _inner_name(name: str) -> str:
    """What a decompressor would call its output."""
    match = _SUFFIX.fullmatch(name)
    if match is None:
        return "content"
    return f"{match[1]}.tar" if match[2].lower().startswith("t") else match[1]
