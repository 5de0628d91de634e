"""Reads numbers and byte strings one after the other, and never past the end.

For binary formats that are read front to back: a window of the source is kept, so that a million small fields cost
no million reads. Whatever does not lie within the bounds ends the reading.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any, Final, Literal

from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

_WINDOW: Final = 64 * 1024

ByteOrder = Literal["<", ">"]

CUT_OFF: Final = Text("ends in the middle of a field", "在字段中间截断")


class Cursor:
    """A place in a source that moves forward with every read.

    >>> from touchstone.scan.source import MemorySource
    >>> Cursor(MemorySource(bytes((1, 0, 0, 0, 7)))).number("I")
    1
    """

    def __init__(self, source: Source, start: int = 0, end: int | None = None, order: ByteOrder = "<") -> None:
        self.source = source
        self.at = start
        self.end = source.size if end is None else min(end, source.size)
        self.order: ByteOrder = order
        self._window = b""
        self._window_start = 0

    @property
    def left(self) -> int:
        """Bytes up to the end."""
        return max(self.end - self.at, 0)

    def take(self, length: int) -> bytes:
        """The next `length` bytes. Raises `Unreadable` when there are fewer. Ask only for what may be in memory."""
        if length < 0 or length > self.left:
            raise Unreadable(CUT_OFF)
        start = self.at - self._window_start
        if start < 0 or start + length > len(self._window):
            self._window = self.source.read(self.at, min(max(length, _WINDOW), self.left))
            self._window_start, start = self.at, 0
            if len(self._window) < length:
                raise Unreadable(CUT_OFF)
        self.at += length
        return self._window[start : start + length]

    def numbers(self, fields: str) -> tuple[Any, ...]:
        """The next fields, in the notation of `struct`, without padding."""
        layout = _layout(self.order + fields)
        return layout.unpack(self.take(layout.size))

    def number(self, field: str) -> Any:
        """The next field."""
        return self.numbers(field)[0]

    def skip(self, length: int) -> None:
        """Go on behind the next `length` bytes without reading them."""
        if length < 0 or length > self.left:
            raise Unreadable(CUT_OFF)
        self.at += length

    def skip_texts(self, count: int, length_field: str) -> int:
        """Go over `count` byte strings, each with its length before it; answers how many there were room for.

        For tables of hundreds of thousands of words, of which nobody asked for one.
        """
        layout = _layout(self.order + length_field)
        unpack_from, width, at, end = layout.unpack_from, layout.size, self.at, self.end
        window, window_start, usable = b"", at, -1
        for done in range(count):
            position = at - window_start
            if position > usable:
                window, window_start, position = self.source.read(at, min(_WINDOW, end - at)), at, 0
                usable = len(window) - width
                if usable < 0:
                    self.at = at
                    return done
            following = at + width + unpack_from(window, position)[0]
            if following > end:
                self.at = at
                return done
            at = following
        self.at = at
        return count

    def window(self) -> tuple[bytes, int]:
        """Bytes that are at hand, and where in them the next one is. Empty only at the end."""
        start = self.at - self._window_start
        if not 0 <= start < len(self._window):
            self._window = self.source.read(self.at, min(_WINDOW, self.left))
            self._window_start, start = self.at, 0
        return self._window, start

    def part(self, length: int) -> Source:
        """The next `length` bytes as a source of their own, unread."""
        self.skip(length)
        return self.source.part(self.at - length, length)


@cache
def _layout(fields: str) -> struct.Struct:
    return struct.Struct(fields)
