"""The three ways in which R writes numbers and texts into a stream: XDR, native binary and text.

Source: R Internals, section 1.8, and `InInteger`, `InString` and `InReal` of `serialize.c`.
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.budget import Budget
from touchstone.scan.cursor import Cursor
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

_TABLES: Final = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"RDB2\n", b"RDB3\n")
"""What `save` writes before the stream; `saveRDS` writes nothing."""
_ESCAPED: Final = re.compile(rb"\\([0-3][0-7]{2}|.)")
_ESCAPES: Final = {b"n": b"\n", b"t": b"\t", b"v": b"\v", b"b": b"\b", b"r": b"\r", b"f": b"\f", b"a": b"\a"}
_LONGEST_KEPT: Final = 4096
_LONGEST_LINE: Final = 4 * 2**20
_LONGEST_NAME: Final = 1024


class RStream:
    """Fields one after the other."""

    is_table = False
    """Whether this is a table of named objects, as `save` writes it."""
    writer = ""
    """Version of R that wrote it."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    @property
    def at(self) -> int:
        """Place of the next field."""
        return self._cursor.at

    @property
    def left(self) -> int:
        """Bytes that were not read."""
        return self._cursor.left

    def integer(self) -> int:
        """A signed number of 32 bits."""
        value: int = self._cursor.number("i")
        return value

    def length(self) -> int:
        """A length; long ones are -1 and two halves."""
        length = self.integer()
        if length == -1:
            high, low = self.integer(), self.integer()
            length = (high << 32) + (low & 0xFFFFFFFF)
        if length < 0:
            raise Unreadable(Text("has a negative length", "长度为负"))
        return length

    def must_hold(self, count: int) -> None:
        """Raise `Unreadable` when that many objects cannot follow."""
        if count > self.left:
            raise Unreadable(Text("claims more objects than there are bytes", "声明的对象数超过字节数"))

    def text(self) -> str:
        """Length and bytes of a text; only the beginning of a long one is kept."""
        length = self.integer()
        if length == -1:
            return ""
        kept = self._cursor.take(min(length, _LONGEST_KEPT))
        self._cursor.skip(length - len(kept))
        return kept.decode("utf-8", "replace")

    def texts(self, count: int) -> list[str]:
        """Objects that must be texts."""
        return [self._text_object() for _ in range(count)]

    def skip_texts(self, count: int, budget: Budget) -> None:
        """Go over objects that must be texts."""
        for done in range(count):
            if done % 4096 == 0:
                budget.spend_opcodes(min(count - done, 4096))
            self._skip_text_object()

    def skip_vector(self, _kind: int, width: int, count: int) -> None:
        """Go over numbers."""
        self._cursor.skip(width * count)

    def skip_name(self, length: int) -> None:
        """Go over the name of an encoding, whose length was read."""
        self._cursor.skip(length)

    def _text_object(self) -> str:
        self._must_be_text(self.integer())
        return self.text()

    def _skip_text_object(self) -> None:
        flags, length = self._cursor.numbers("ii")
        self._must_be_text(flags)
        if length != -1:
            self._cursor.skip(length)

    @staticmethod
    def _must_be_text(flags: int) -> None:
        if flags & 0xFF != 9 or flags & 0x200:
            raise Unreadable(Text("has something else where a text should be", "应为文本之处不是文本"))


class _Lines(RStream):
    """The same in text: one line for each number, and texts escaped as in C."""

    def integer(self) -> int:
        line = self._line()
        try:
            return -(2**31) if line == b"NA" else int(line)
        except ValueError:
            raise Unreadable(Text("has something else where a number should be", "应为数字之处不是数字")) from None

    def text(self) -> str:
        length = self.integer()
        if length == -1:
            return ""
        line = self._line()
        data = _ESCAPED.sub(_unescaped, line) if b"\\" in line else line
        if len(data) != length:
            raise Unreadable(Text("has a text of another length than it says", "文本长度与声明不符"))
        return data[:_LONGEST_KEPT].decode("utf-8", "replace")

    def skip_vector(self, kind: int, width: int, count: int) -> None:
        self.must_hold(count)
        numbers = 2 if kind == 15 else 1
        for _ in range(count * numbers):
            self._line()

    def skip_name(self, length: int) -> None:
        if len(self._line()) != length:
            raise Unreadable(Text("has a text of another length than it says", "文本长度与声明不符"))

    def _skip_text_object(self) -> None:
        self._text_object()

    def _line(self) -> bytes:
        window, start = self._cursor.window()
        end = window.find(b"\n", start)
        if end < 0:
            data = self._cursor.source.read(self._cursor.at, min(_LONGEST_LINE, self._cursor.left))
            end = data.find(b"\n")
            if end < 0:
                raise Unreadable(Text("ends in the middle of a line", "在行中间截断"))
            self._cursor.skip(end + 1)
            return data[:end]
        self._cursor.skip(end + 1 - start)
        return window[start:end]


def _unescaped(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    return bytes((int(escaped, 8),)) if len(escaped) == 3 else _ESCAPES.get(escaped, escaped)


def open_stream(source: Source) -> RStream:
    """Read the head of a stream, up to its first object."""
    cursor = Cursor(source, order=">")
    is_table = source.read(0, 5) in _TABLES
    if is_table:
        cursor.skip(5)
    mark = cursor.take(2)
    stream: RStream
    if mark == b"A\n":
        stream = _Lines(cursor)
    elif mark == b"X\n":
        stream = RStream(cursor)
    elif mark == b"B\n":
        cursor.order = "<" if source.read(cursor.at, 1) != b"\x00" else ">"
        stream = RStream(cursor)
    else:
        raise Unreadable(Text("does not begin like a stream of R", "开头不是 R 序列化流"))
    version, writer, _least = stream.integer(), stream.integer(), stream.integer()
    if version not in {2, 3}:
        raise Unreadable(Text(f"is a stream of version {version}", f"流版本 {version} 不受支持"))
    if version == 3:
        length = stream.integer()
        if not 0 <= length <= _LONGEST_NAME:
            raise Unreadable(Text("has an encoding of impossible length", "编码名称长度不合法"))
        stream.skip_name(length)
    stream.is_table = is_table
    stream.writer = f"{writer >> 16}.{writer >> 8 & 255}.{writer & 255}"
    return stream
