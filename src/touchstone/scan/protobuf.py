"""The protocol-buffer wire format: fields of messages, found without loading what they hold.

A message is a place in a source. Walking it costs a few bytes for each field; a field of gigabytes is an offset and a
length. Nothing here knows what a field means: `protobuf_schema` does.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator
from functools import cache
from typing import Final

from touchstone.scan.budget import Budget
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5

DEEPEST: Final = 100
"""Messages within one another; the limit of Google's own parsers."""
LONGEST_TEXT: Final = 64 * 1024
LONGEST_NAME: Final = 4096
MOST_NAMES: Final = 300_000
"""Names that a reading remembers, of operators or functions, before it ends."""

_SMALL: Final = 2**20
"""Sources of up to this many bytes are held as one page."""
_PAGE: Final = 64 * 1024
_LONGEST_HEAD: Final = 20
"""A tag and a length are two varints of at most ten bytes."""
_SPEND_AFTER: Final = 1024


class Field:
    """One field as it is written: its number, its wire type, and where its value lies."""

    __slots__ = ("_message", "kind", "length", "number", "offset", "scalar", "start", "wire")

    def __init__(self, message: Message, number: int, wire: int, offset: int, start: int, length: int, scalar: int):
        self._message = message
        self.number = number
        self.wire = wire
        self.offset = offset
        """Where the tag begins."""
        self.start = start
        """Where the value begins."""
        self.length = length
        """Bytes of the value."""
        self.scalar = scalar
        """The number of a varint; 0 for every other wire type."""
        self.kind = ""
        """What a schema says the field holds."""

    def integer(self) -> int:
        """The value of an unsigned or boolean field."""
        if self.wire != VARINT:
            raise damaged()
        return self.scalar

    def signed(self) -> int:
        """The value of an `int32` or `int64` field."""
        value = self.integer()
        return value - 2**64 if value >= 2**63 else value

    def float32(self) -> float:
        """The value of a `float` field."""
        if self.wire != FIXED32:
            raise damaged()
        value: float = struct.unpack("<f", self._message.read(self.start, 4))[0]
        return value

    def bytes(self, most: int = LONGEST_TEXT) -> bytes:
        """What a `bytes` field holds. Raises `Unreadable` when that is more than `most` bytes."""
        if self.wire != LENGTH:
            raise damaged()
        if self.length > most:
            raise Unreadable(Text(f"holds a value longer than {most} bytes", f"含超过 {most} 字节的值"))
        return self._message.read(self.start, self.length)

    def text(self, most: int = LONGEST_TEXT) -> str:
        """The first `most` bytes of a `string` field; what is no UTF-8 becomes replacement characters."""
        if self.wire != LENGTH:
            raise damaged()
        return self._message.read(self.start, min(self.length, most)).decode("utf-8", "replace")

    def name(self) -> str:
        """What a `string` field holds that names something: a short text, fit to be remembered.

        A longer one is cut, not refused: nobody may end a reading with it before it comes to what matters.
        """
        return self.text(LONGEST_NAME)

    def message(self) -> Message:
        """The message within."""
        if self.wire != LENGTH:
            raise damaged()
        return self._message.inner(self.start, self.length)

    def part(self) -> Source:
        """The value as bytes of their own, not loaded."""
        return self._message.part(self.start, self.length)

    def integers(self, most: int = LONGEST_TEXT) -> list[int]:
        """The numbers of a repeated varint field, whether packed or written one by one; at most `most` bytes."""
        if self.wire == VARINT:
            return [self.signed()]
        data = self.bytes(most)
        found, position = [], 0
        try:
            while position < len(data):
                value, position = varint(data, position)
                found.append(value - 2**64 if value >= 2**63 else value)
        except IndexError:
            raise damaged() from None
        return found


class Message:
    """One message: a place in a source, and a way to go through its fields."""

    __slots__ = ("_pages", "depth", "end", "start")

    def __init__(self, pages: _Pages, start: int, end: int, depth: int):
        self._pages = pages
        self.start = start
        self.end = end
        self.depth = depth

    def fields(self, dull: Collection[int] = ()) -> Iterator[Field]:
        """Each field in the order written. Raises `Unreadable` where the bytes are not the wire format.

        `dull` are numbers below 16 whose values nobody looks at: a run of them comes as one field, so that a list of
        a million numbers that was not packed costs next to nothing.
        """
        pages, position, end = self._pages, self.start, self.end
        while position < end:
            data, index = pages.around(position)
            try:
                tag, at = varint(data, index)
                number, wire = tag >> 3, tag & 7
                if wire == VARINT:
                    scalar, after = varint(data, at)
                    start, length = position + at - index, after - at
                elif wire == LENGTH:
                    length, after = varint(data, at)
                    start, scalar = position + after - index, 0
                elif wire in (FIXED32, FIXED64):
                    start, length, scalar = position + at - index, 4 if wire == FIXED32 else 8, 0
                else:
                    raise damaged()
            except IndexError:
                raise damaged() from None
            if number == 0 or start + length > end:
                raise damaged()
            yield Field(self, number, wire, position, start, length, scalar)
            position = start + length
            if number in dull and wire != LENGTH:
                data, index = pages.around(position)
                position += pages.run(tag, index, min(len(data), index + end - position))

    def read(self, start: int, length: int) -> bytes:
        """Bytes at a place of the source."""
        return self._pages.read(start, length)

    def inner(self, start: int, length: int) -> Message:
        """A message within this one."""
        if self.depth >= DEEPEST:
            raise Unreadable(Text(f"nests messages deeper than {DEEPEST}", f"消息嵌套超过 {DEEPEST} 层"))
        return Message(self._pages, start, start + length, self.depth + 1)

    def part(self, start: int, length: int) -> Source:
        """Bytes of the source as a source of their own."""
        return self._pages.source.part(start, length)


class _Pages:
    """A source of which the page last used is kept, and a count of the fields that were met."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self.source = source
        self._budget = budget
        self._size = _SMALL if source.size <= _SMALL else _PAGE
        self._data = b""
        self._base = 0
        self._end = 0
        self._met = 0

    def around(self, position: int) -> tuple[bytes, int]:
        """A page with at least one tag and length from `position`, as far as there are, and the index in it."""
        self._met += 1
        if self._met >= _SPEND_AFTER:
            self._budget.spend_opcodes(self._met)
            self._met = 0
        if position < self._base or (self._end - position < _LONGEST_HEAD and self._end < self.source.size):
            self._base = 0 if self.source.size <= _SMALL else position
            self._data = self.source.read(self._base, self._size)
            self._end = self._base + len(self._data)
        return self._data, position - self._base

    def read(self, start: int, length: int) -> bytes:
        """Bytes from the page when they lie in it, else from the source."""
        index = start - self._base
        if index >= 0 and start + length <= self._end:
            return self._data[index : index + length]
        return self.source.read(start, length)

    def run(self, tag: int, start: int, end: int) -> int:
        """How many bytes of this page are more fields with the same tag."""
        found = _run_of(tag).match(self._data, start, end)
        return found.end() - start if found else 0


@cache
def _run_of(tag: int) -> re.Pattern[bytes]:
    value = {VARINT: rb"[\x80-\xff]{0,9}[\x00-\x7f]", FIXED32: b".{4}", FIXED64: b".{8}"}[tag & 7]
    return re.compile(b"(?:" + re.escape(bytes([tag])) + value + b")++", re.DOTALL)


def message_of(source: Source, budget: Budget) -> Message:
    """A whole source as one message. Every 1,024 fields are paid for, as opcodes are."""
    return Message(_Pages(source, budget), 0, source.size, 0)


def varint(data: bytes, position: int) -> tuple[int, int]:
    """A base-128 integer of at most ten bytes, and the position after it. Raises `IndexError` where `data` ends."""
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    value = byte & 0x7F
    for shift in range(7, 70, 7):
        position += 1
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + 1
    raise damaged()


def check_names(count: int) -> None:
    """Raise `Unreadable` when a reading remembers too many names."""
    if count > MOST_NAMES:
        raise Unreadable(Text(f"has more than {MOST_NAMES} names", f"名称超过 {MOST_NAMES} 个"))


def damaged() -> Unreadable:
    """The bytes break the wire format."""
    return Unreadable(Text("is not a well-formed protocol-buffer message", "不是格式正确的 protocol buffer 消息"))
