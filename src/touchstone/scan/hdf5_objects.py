"""HDF5 object headers: where they lie, and the messages in them. Nothing is loaded but the messages themselves.

Source: HDF5 File Format Specification, version 3 (https://docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html);
sections are quoted as in "IV.A".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from touchstone.scan.budget import Budget
from touchstone.scan.cursor import Cursor
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_USER_BLOCKS: Final = (0, 512, 1024, 2048, 4096, 8192)

CONTINUATION: Final = 0x10
_MOST_CHUNKS: Final = 4096
"""Continuation blocks of one object header."""
_MOST_EXTENTS: Final = 1_000_000
_LARGEST_HEADER: Final = 16 * 2**20
"""Bytes of all messages of one object. Values of more than 64 KiB lie elsewhere."""

Extent = tuple[int, int]
"""First byte in the file and number of bytes."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an object header."""

    kind: int
    data: bytes
    offset: int
    """Of the data, in the file."""
    is_shared: bool
    """The data names the place of the message proper (IV.A.2)."""


def damaged(en: str, zh: str) -> Unreadable:
    """What ends the reading of one structure."""
    return Unreadable(Text(en, zh))


class Hdf5File:
    """The bytes of an HDF5 file, with its notion of addresses, and every place that was found to be in use."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self.source = source
        self.budget = budget
        self.begin = _begin_of(source)
        """Length of the user block. Addresses count from here, whatever the superblock says (as in the library)."""
        self.used: list[Extent] = []
        self.heap_collections: dict[int, dict[int, Extent]] = {}
        """Objects of each global heap collection that was read, by place and number."""
        cursor = Cursor(source, self.begin + 8)
        self.driver_at: int | None = None
        self.extension_at: int | None = None
        version = cursor.number("B")
        if version in {0, 1}:
            self._read_old_superblock(cursor, version)
        elif version in {2, 3}:
            self._read_new_superblock(cursor)
        else:
            raise damaged(f"has a superblock of version {version}", f"超级块版本 {version} 不受支持")
        self.use(self.begin, cursor.at - self.begin)

    def _read_old_superblock(self, cursor: Cursor, version: int) -> None:
        """II.A, versions 0 and 1."""
        cursor.skip(4)
        self._set_widths(*cursor.numbers("BB"))
        cursor.skip(1 + 4 + 4 + (4 if version == 1 else 0))
        base = self.word(cursor)
        cursor.skip(self.offset_width)
        self.end = self.begin + self.word(cursor) - base
        self.driver_at = self.address(cursor)
        cursor.skip(self.offset_width)
        root = self.address(cursor)
        cursor.skip(24)
        self.root = self._required(root)

    def _read_new_superblock(self, cursor: Cursor) -> None:
        """II.A, versions 2 and 3."""
        self._set_widths(*cursor.numbers("BB"))
        cursor.skip(1)
        base = self.word(cursor)
        self.extension_at = self.address(cursor)
        self.end = self.begin + self.word(cursor) - base
        root = self.address(cursor)
        cursor.skip(4)
        self.root = self._required(root)

    def _set_widths(self, offset_width: int, length_width: int) -> None:
        if offset_width not in {4, 8} or length_width != 8:
            raise damaged("has addresses of an unusual width", "地址宽度异常")
        self.offset_width = offset_width
        self.length_width = length_width

    def _required(self, address: int | None) -> int:
        if address is None:
            raise damaged("has no root group", "没有根组")
        return address

    # ---- fields

    def word(self, cursor: Cursor) -> int:
        """A number as wide as an address."""
        return int.from_bytes(cursor.take(self.offset_width), "little")

    def length(self, cursor: Cursor) -> int:
        """A number as wide as a length."""
        return int.from_bytes(cursor.take(self.length_width), "little")

    def address(self, cursor: Cursor) -> int | None:
        """A place in the file, or `None` for the undefined address (all bits set)."""
        value = self.word(cursor)
        return None if value == (1 << (8 * self.offset_width)) - 1 else value + self.begin

    def defined(self, cursor: Cursor) -> int:
        """A place in the file that must be given."""
        place = self.address(cursor)
        if place is None:
            raise damaged("misses an address", "缺少地址")
        return place

    def cursor(self, at: int, length: int | None = None) -> Cursor:
        """Reads from a place in the file."""
        if not 0 <= at < self.source.size:
            raise damaged("has an address beyond the file", "地址超出文件范围")
        return Cursor(self.source, at, None if length is None else at + length)

    def signed(self, at: int, signature: bytes) -> Cursor:
        """Reads the structure of that signature at a place, from behind the signature."""
        cursor = self.cursor(at)
        if cursor.take(4) != signature:
            raise damaged(f"has no {signature.decode()} where it should", f"应有 {signature.decode()} 结构之处没有")
        return cursor

    def use(self, at: int, length: int) -> None:
        """Remember that these bytes belong to something."""
        if len(self.used) >= _MOST_EXTENTS:
            raise damaged("is made of too many pieces", "文件分块过多")
        self.used.append((at, length))

    # ---- object headers

    def messages(self, at: int) -> list[Message]:
        """All messages of the object header at a place, over all its blocks (IV.A.1)."""
        is_new = self.cursor(at).take(4) == b"OHDR"
        found, size = [], 0
        for message in self._new_messages(at) if is_new else self._old_messages(at):
            self.budget.check_time()
            size += len(message.data) + 64
            if size > _LARGEST_HEADER:
                raise damaged("has an object header that is too large to read", "对象头过大，无法解析")
            found.append(message)
        return found

    def _old_messages(self, at: int) -> Iterator[Message]:
        cursor = self.cursor(at)
        version, _, _count, _references, size = cursor.numbers("BBHII")
        if version != 1:
            raise damaged("has an object header of unknown version", "对象头版本未知")
        blocks: list[Extent] = [(at + 16, size)]
        self.use(at, 16 + size)
        for done, (start, length) in enumerate(blocks):
            if done > _MOST_CHUNKS:
                raise damaged("has an object header of too many pieces", "对象头分块过多")
            inside = self._block(start, length)
            while inside.left >= 8:
                kind, width, flags = inside.numbers("HHBxxx")
                message = Message(kind, inside.take(width), inside.at - width, bool(flags & 2))
                if kind == CONTINUATION:
                    blocks.append(self._continued(message, blocks))
                else:
                    yield message

    def _new_messages(self, at: int) -> Iterator[Message]:
        cursor = self.signed(at, b"OHDR")
        version, flags = cursor.numbers("BB")
        if version != 2:
            raise damaged("has an object header of unknown version", "对象头版本未知")
        cursor.skip((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
        size = int.from_bytes(cursor.take(1 << (flags & 3)), "little")
        blocks: list[Extent] = [(cursor.at, size)]
        self.use(at, cursor.at - at + size + 4)
        head = 6 if flags & 4 else 4
        for done, (start, length) in enumerate(blocks):
            if done > _MOST_CHUNKS:
                raise damaged("has an object header of too many pieces", "对象头分块过多")
            inside = self._block(start, length)
            if done:
                if inside.take(4) != b"OCHK":
                    raise damaged("has an object header that goes on nowhere", "对象头的后续部分缺失")
                inside.end -= 4
            while inside.left >= head:
                kind, width, message_flags = inside.numbers("BHB")
                inside.skip(head - 4)
                message = Message(kind, inside.take(width), inside.at - width, bool(message_flags & 2))
                if kind == CONTINUATION:
                    blocks.append(self._continued(message, blocks))
                else:
                    yield message

    def _block(self, start: int, length: int) -> Cursor:
        inside = self.cursor(start, length)
        if inside.left < length:
            raise damaged("has an object header that ends beyond the file", "对象头超出文件范围")
        return inside

    def _continued(self, message: Message, blocks: list[Extent]) -> Extent:
        """The block that a continuation message leads to; never one that was read before."""
        cursor = Cursor(self.source, message.offset, message.offset + len(message.data))
        extent = self.defined(cursor), self.length(cursor)
        if any(extent[0] == start for start, _ in blocks):
            raise damaged("has an object header that continues in itself", "对象头的后续部分指向自身")
        self.use(*extent)
        return extent


def _begin_of(source: Source) -> int:
    for begin in _USER_BLOCKS:
        if source.read(begin, 8) == SIGNATURE:
            return begin
    raise damaged("has no HDF5 signature", "没有 HDF5 签名")
