"""Pictures, sound and tables: data that no loader executes, unless something else was put behind them.

What is in them is not looked at. Where a format says cheaply where it ends, the file must end there: an archive or a
program behind a picture is how payloads travel past whoever looks at the picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from touchstone.scan.budget import Budget
from touchstone.scan.cursor import Cursor
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.recognise import recognise
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.spans import is_zero
from touchstone.text import Text

APPENDED: Final = Rule(
    id="data/appended",
    severity="medium",
    nature="threat",
    title=Text("Bytes stand behind the end of the data", "数据结尾之后还有其他内容"),
    remedy=Text(
        "Save the data again with an ordinary program, which leaves such bytes out.",
        "请用普通程序重新保存该数据，以去除这些内容。",
    ),
    references=("CWE-506",),
)
RULES: Final[tuple[Rule, ...]] = (APPENDED,)

_HARMLESS: Final = frozenset({"unknown", "text", "jpeg", "png", "xml"})
"""What cameras and editors put behind pictures: previews, metadata. All else behind a picture was hidden there."""
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def read_empty(_source: Source, _examination: Examination) -> None:
    """A file without bytes means nothing to any loader."""


def read_data(source: Source, examination: Examination) -> None:
    """Find the end of the data, and report what stands behind it."""
    head = source.read(0, 16)
    ends = next((end for mark, end in _ENDS if head.startswith(mark)), None)
    if ends is None:
        return
    end = ends(Cursor(source), examination.budget)
    rest = source.part(end, source.size)
    if rest.size == 0 or is_zero(rest):
        return
    kind = recognise(rest)
    harmless = kind in _HARMLESS
    examination.report(
        APPENDED,
        f"{rest.size} bytes of {kind} content",
        offset=end,
        length=rest.size,
        severity="medium" if harmless else "high",
    )
    if not harmless:
        examination.examine(rest, "appended bytes")


def read_records(source: Source, examination: Examination) -> None:
    """Follow the records of a TFRecord file: length, checksum, content, checksum (tensorflow/core/lib/io)."""
    cursor = Cursor(source)
    while cursor.left:
        length = cursor.number("Q4x")
        cursor.skip(length + 4)
        examination.budget.check_time()


def _png_end(cursor: Cursor, budget: Budget) -> int:
    """Chunks of length, type, content and checksum, up to IEND (PNG specification, 5.3)."""
    cursor.order = ">"
    cursor.skip(8)
    kind = b""
    while kind != b"IEND":
        length, kind = cursor.numbers("I4s")
        cursor.skip(length + 4)
        budget.check_time()
    return cursor.at


def _jpeg_end(cursor: Cursor, budget: Budget) -> int:
    """Segments with lengths, and coded data in which `FF` is followed by zero or a restart (ITU-T T.81, annex B)."""
    cursor.order = ">"
    cursor.skip(2)
    while True:
        cursor.at = _next_marker(cursor)
        budget.check_time()
        kind = cursor.take(2)[1]
        if kind == 0xD9:
            return cursor.at
        if kind not in (0x01, 0xD8):
            length = cursor.number("H")
            if length < 2:
                raise Unreadable(Text("has a segment of impossible length", "数据段长度无效"))
            cursor.skip(length - 2)


def _next_marker(cursor: Cursor) -> int:
    """The place of the next marker: mostly the next byte, or far away behind coded data."""
    start, length = cursor.at, 64
    while start < cursor.end:
        found = _MARKER.search(cursor.source.read(start, length + 1))
        if found is not None:
            return start + found.start()
        start += length
        length = min(2 * length, 64 * 1024)
    raise Unreadable(Text("is a picture without an end", "图像没有结束标记"))


def _gif_end(cursor: Cursor, budget: Budget) -> int:
    """Blocks of small sub-blocks, up to the trailer (GIF89a specification, section 27)."""
    cursor.skip(10)
    _skip_colours(cursor, cursor.take(3)[0])
    while True:
        kind = cursor.take(1)
        if kind == b"\x3b":
            return cursor.at
        if kind == b"\x2c":
            cursor.skip(8)
            _skip_colours(cursor, cursor.take(1)[0])
        elif kind != b"\x21":
            raise Unreadable(Text("has a block of unknown kind", "含有未知类型的数据块"))
        cursor.skip(1)
        length = -1
        while length:
            length = cursor.take(1)[0]
            cursor.skip(length)
            budget.check_time()


def _skip_colours(cursor: Cursor, flags: int) -> None:
    if flags & 0x80:
        cursor.skip(3 * 2 ** ((flags & 7) + 1))


def _bmp_end(cursor: Cursor, _budget: Budget) -> int:
    """The size in the header, where a writer filled it in."""
    cursor.skip(2)
    size = int(cursor.number("I"))
    return size if 54 <= size <= cursor.end else cursor.end


def _riff_end(cursor: Cursor, _budget: Budget) -> int:
    """The size in the header, rounded up to an even number."""
    cursor.skip(4)
    size = int(cursor.number("I"))
    if size + 8 > cursor.end:
        raise Unreadable(Text("is cut off", "内容不完整"))
    return min(size + 8 + size % 2, cursor.end)


def _parquet_end(cursor: Cursor, _budget: Budget) -> int:
    return _ends_with(cursor, b"PAR1")


def _arrow_end(cursor: Cursor, _budget: Budget) -> int:
    return _ends_with(cursor, b"ARROW1")


def _ends_with(cursor: Cursor, mark: bytes) -> int:
    if cursor.source.read(cursor.end - len(mark), len(mark)) != mark:
        raise Unreadable(Text("does not end with the mark of its format", "结尾没有该格式的标志"))
    return cursor.end


_ENDS: Final[tuple[tuple[bytes, Callable[[Cursor, Budget], int]], ...]] = (
    (b"\x89PNG", _png_end),
    (b"\xff\xd8", _jpeg_end),
    (b"GIF8", _gif_end),
    (b"BM", _bmp_end),
    (b"RIFF", _riff_end),
    (b"PAR1", _parquet_end),
    (b"ARROW1", _arrow_end),
)
"""TIFF is not among them: it scatters its parts and says nowhere where the last one ends."""
