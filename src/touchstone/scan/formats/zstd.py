"""Zstandard frames, unpacked in plain Python (RFC 8878).

Python has no decompressor for it before 3.14, and what a scan says must not depend on what is installed. This one is
slow, so it stops at `MOST`; what was unpacked until then is examined, and the rest is a gap. Checksums are not
verified: whoever loads a stream has used it before its checksum is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.budget import MEBIBYTE, LimitReached
from touchstone.scan.cursor import Cursor
from touchstone.scan.formats.zstd_entropy import (
    DAMAGED,
    BackwardBits,
    FseTable,
    HuffmanTable,
    fse_table,
    read_distribution,
    read_huffman,
    single_symbol,
)
from touchstone.scan.source import Unreadable
from touchstone.text import Text

MAGIC: Final = b"\x28\xb5\x2f\xfd"
MOST: Final = 32 * MEBIBYTE

_LARGEST_BLOCK: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class _Codes:
    """One of the three kinds of numbers in a sequence: how its codes are spread, and what they stand for."""

    most_accuracy: int
    bases: tuple[int, ...]
    extra_bits: tuple[int, ...]
    usual: FseTable


def _ranges(smallest: int, single: int, extra_bits: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Codes that stand for one number each, then codes for ranges of numbers, each with its number of extra bits."""
    bases = list(range(smallest, smallest + single))
    following = smallest + single
    for bits in extra_bits:
        bases.append(following)
        following += 1 << bits
    return tuple(bases), (*(0,) * single, *extra_bits)


_LITERAL_LENGTHS: Final = _Codes(
    9,
    *_ranges(0, 16, (1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
    fse_table(6, (4, 3, *(2,) * 11, 1, 1, 1, *(2,) * 9, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1)),
)
_MATCH_LENGTHS: Final = _Codes(
    9,
    *_ranges(3, 32, (1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
    fse_table(6, (1, 4, 3, *(2,) * 6, *(1,) * 37, *(-1,) * 7)),
)
_OFFSETS: Final = _Codes(
    8,
    tuple(1 << code for code in range(32)),
    tuple(range(32)),
    fse_table(5, (*(1,) * 6, 2, 2, 2, *(1,) * 15, *(-1,) * 5)),
)


@dataclass(slots=True)
class _Frame:
    """What one frame carries from block to block."""

    out: bytearray = field(default_factory=bytearray)
    huffman: HuffmanTable | None = None
    tables: dict[int, FseTable] = field(default_factory=dict)
    offsets: tuple[int, int, int] = (1, 4, 8)


def unpack_frame(cursor: Cursor) -> Iterator[bytes]:
    """The blocks of one frame, whose magic number has been read."""
    has_checksum = _frame_header(cursor)
    frame = _Frame()
    is_last = False
    while not is_last:
        header = int.from_bytes(cursor.take(3), "little")
        is_last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        start = len(frame.out)
        if size > _LARGEST_BLOCK or kind == 3:
            raise Unreadable(DAMAGED)
        if kind == 0:
            frame.out += cursor.take(size)
        elif kind == 1:
            frame.out += cursor.take(1) * size
        else:
            _unpack_block(cursor.take(size), frame)
        yield bytes(frame.out[start:])
        if len(frame.out) > MOST:
            raise LimitReached(
                Text("is longer than Zstandard is unpacked here", "超过此处解包 Zstandard 数据的长度上限")
            )
    cursor.skip(4 if has_checksum else 0)


def _frame_header(cursor: Cursor) -> bool:
    """Read the header (3.1.1.1); answers whether a checksum follows the frame."""
    descriptor = cursor.take(1)[0]
    is_single_segment = bool(descriptor & 0x20)
    cursor.skip(0 if is_single_segment else 1)
    dictionary = cursor.take((0, 1, 2, 4)[descriptor & 3])
    if any(dictionary):
        raise Unreadable(Text("needs a dictionary that is not in the file", "需要文件之外的字典"))
    if descriptor & 0x08:
        raise Unreadable(DAMAGED)
    cursor.skip((1 if is_single_segment else 0, 2, 4, 8)[descriptor >> 6])
    return bool(descriptor & 0x04)


def _unpack_block(data: bytes, frame: _Frame) -> None:
    try:
        literals, position = _literals(data, frame)
        _run_sequences(data[position:], literals, frame)
    except IndexError:
        raise Unreadable(DAMAGED) from None


# ---- literals


def _literals(data: bytes, frame: _Frame) -> tuple[bytes, int]:
    """The literals of a block (3.1.1.3.1), and how many bytes they took."""
    kind, form = data[0] & 3, data[0] >> 2 & 3
    if kind < 2:
        width = (1, 2, 1, 3)[form]
        size = int.from_bytes(data[:width], "little") >> (4 if form & 1 else 3)
        literals = data[width : width + size] if kind == 0 else data[width : width + 1] * size
        if size > _LARGEST_BLOCK or len(literals) != size:
            raise Unreadable(DAMAGED)
        return literals, width + (size if kind == 0 else 1)
    width, bits = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
    sizes = int.from_bytes(data[:width], "little") >> 4
    size, packed = sizes & ((1 << bits) - 1), sizes >> bits
    stop = width + packed
    if size > _LARGEST_BLOCK or stop > len(data):
        raise Unreadable(DAMAGED)
    content = data[width:stop]
    if kind == 2:
        frame.huffman, used = read_huffman(content)
        content = content[used:]
    if frame.huffman is None:
        raise Unreadable(DAMAGED)
    return b"".join(_huffman_streams(content, size, frame.huffman, is_single=form == 0)), stop


def _huffman_streams(content: bytes, size: int, table: HuffmanTable, *, is_single: bool) -> Iterator[bytes]:
    if is_single:
        yield BackwardBits(content).decode(table, size)
        return
    lengths = [int.from_bytes(content[place : place + 2], "little") for place in (0, 2, 4)]
    each, start = (size + 3) // 4, 6
    if 3 * each > size:
        raise Unreadable(DAMAGED)
    for length in lengths:
        yield BackwardBits(content[start : start + length]).decode(table, each)
        start += length
    yield BackwardBits(content[start:]).decode(table, size - 3 * each)


# ---- sequences


def _run_sequences(data: bytes, literals: bytes, frame: _Frame) -> None:
    """Copy literals and repetitions into the output, as the sequences of a block say (3.1.1.3.2)."""
    count, position = _sequence_count(data)
    if count == 0:
        frame.out += literals
        return
    modes = data[position]
    position += 1
    if modes & 3:
        raise Unreadable(DAMAGED)
    tables = []
    for shift, codes in ((6, _LITERAL_LENGTHS), (4, _OFFSETS), (2, _MATCH_LENGTHS)):
        table, used = _table(modes >> shift & 3, shift, codes, data[position:], frame)
        tables.append(table)
        position += used
    out, used_literals, most = frame.out, 0, len(frame.out) + _LARGEST_BLOCK
    for literal_length, offset_value, match_length in _sequences(data[position:], count, tables):
        out += literals[used_literals : used_literals + literal_length]
        used_literals += literal_length
        distance = _distance(offset_value, literal_length, frame)
        if used_literals > len(literals) or not 0 < distance <= len(out) or len(out) + match_length > most:
            raise Unreadable(DAMAGED)
        start = len(out) - distance
        if distance >= match_length:
            out += out[start : start + match_length]
        else:
            out += (out[start:] * (match_length // distance + 1))[:match_length]
    out += literals[used_literals:]


def _sequence_count(data: bytes) -> tuple[int, int]:
    first = data[0]
    if first < 128:
        return first, 1
    if first < 255:
        return (first - 128 << 8) + data[1], 2
    return data[1] + (data[2] << 8) + 0x7F00, 3


def _table(mode: int, which: int, codes: _Codes, data: bytes, frame: _Frame) -> tuple[FseTable, int]:
    """The table for one kind of number: the usual one, a single symbol, a new one, or that of the block before."""
    if mode == 3:
        if which not in frame.tables:
            raise Unreadable(DAMAGED)
        return frame.tables[which], 0
    if mode == 0:
        table, used = codes.usual, 0
    elif mode == 1:
        table, used = single_symbol(data[0]), 1
    else:
        table, used = read_distribution(data, codes.most_accuracy, len(codes.bases))
    if max(table.symbols) >= len(codes.bases):
        raise Unreadable(DAMAGED)
    frame.tables[which] = table
    return table, used


def _sequences(data: bytes, count: int, tables: list[FseTable]) -> Iterator[tuple[int, int, int]]:
    """Literal length, offset value and match length of each sequence."""
    bits = BackwardBits(data)
    read: Callable[[int], int] = bits.read
    literal_table, offset_table, match_table = tables
    literal_state, offset_state, match_state = (read(table.accuracy) for table in tables)
    for left in range(count, 0, -1):
        literal, offset, match = (
            literal_table.symbols[literal_state],
            offset_table.symbols[offset_state],
            match_table.symbols[match_state],
        )
        offset_value = (1 << offset) + read(offset)
        match_length = _MATCH_LENGTHS.bases[match] + read(_MATCH_LENGTHS.extra_bits[match])
        literal_length = _LITERAL_LENGTHS.bases[literal] + read(_LITERAL_LENGTHS.extra_bits[literal])
        yield literal_length, offset_value, match_length
        if left > 1:
            literal_state = literal_table.bases[literal_state] + read(literal_table.bits[literal_state])
            match_state = match_table.bases[match_state] + read(match_table.bits[match_state])
            offset_state = offset_table.bases[offset_state] + read(offset_table.bits[offset_state])
        if bits.lacking:
            raise Unreadable(DAMAGED)
    if not bits.is_used_up:
        raise Unreadable(DAMAGED)


def _distance(value: int, literal_length: int, frame: _Frame) -> int:
    """How far back a sequence copies from: an offset, or one of the last three (3.1.1.5)."""
    first, second, third = frame.offsets
    if value > 3:
        frame.offsets = (value - 3, first, second)
        return value - 3
    which = value - 1 + (literal_length == 0)
    if which == 0:
        return first
    distance = (first, second, third, first - 1)[which]
    frame.offsets = (distance, first, third) if which == 1 else (distance, first, second)
    return distance
