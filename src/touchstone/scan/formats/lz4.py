"""LZ4 frames, which joblib can write (lz4 Frame Format 1.6.x, Block Format), unpacked block by block.

Checksums are not verified: whoever loads a pickle from a stream has followed it before the last checksum is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from touchstone.scan.cursor import Cursor
from touchstone.scan.source import Unreadable
from touchstone.text import Text

MAGIC: Final = b"\x04\x22\x4d\x18"

_WINDOW: Final = 64 * 1024
_LARGEST_BLOCKS: Final = {4: 2**16, 5: 2**18, 6: 2**20, 7: 2**22}
_SHORTEST_MATCH: Final = 4
_DAMAGED: Final = Text("the compressed data are damaged", "压缩数据已损坏")


def unpack_frame(cursor: Cursor) -> Iterator[bytes]:
    """The blocks of one frame, whose magic number has been read."""
    flags, block_descriptor = cursor.take(2)
    largest = _LARGEST_BLOCKS.get(block_descriptor >> 4)
    if flags >> 6 != 1 or largest is None:
        raise Unreadable(_DAMAGED)
    if flags & 0x01:
        raise Unreadable(Text("needs a dictionary that is not in the file", "需要文件之外的字典"))
    cursor.skip((8 if flags & 0x08 else 0) + 1)
    are_independent, have_checksums = bool(flags & 0x20), bool(flags & 0x10)
    history = b""
    while size := cursor.number("I"):
        is_stored, size = bool(size & 0x80000000), size & 0x7FFFFFFF
        if size > largest:
            raise Unreadable(_DAMAGED)
        data = cursor.take(size)
        block = data if is_stored else _unpack_block(data, history, largest)
        yield block
        cursor.skip(4 if have_checksums else 0)
        if not are_independent:
            history = (history + block)[-_WINDOW:]
    cursor.skip(4 if flags & 0x04 else 0)


def _unpack_block(data: bytes, history: bytes, largest: int) -> bytes:
    """Sequences of literal bytes and of copies from what was unpacked before."""
    out = bytearray(history)
    position = 0
    try:
        while True:
            token = data[position]
            length, position = _length(token >> 4, data, position + 1)
            out += data[position : position + length]
            position += length
            if position == len(data):
                return bytes(out[len(history) :])
            distance = data[position] | data[position + 1] << 8
            length, position = _length(token & 15, data, position + 2)
            length += _SHORTEST_MATCH
            if not 0 < distance <= len(out) or len(out) - len(history) + length > largest:
                raise Unreadable(_DAMAGED)
            # A copy may reach into itself: then it repeats.
            pattern = out[-distance:][:length]
            out += (pattern * (length // len(pattern) + 1))[:length]
    except IndexError:
        raise Unreadable(_DAMAGED) from None


def _length(start: int, data: bytes, position: int) -> tuple[int, int]:
    """A length of four bits that goes on in further bytes, and where it ends."""
    if start < 15:
        return start, position
    length, byte = start, 255
    while byte == 255:
        byte = data[position]
        position += 1
        length += byte
    return length, position
