"""Protocol buffers and FlatBuffers, written from plain values; enough for hand-made model graphs."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any


def varint(value: int) -> bytes:
    """Base-128, least significant group first."""
    value &= 2**64 - 1
    out = bytearray()
    while True:
        out.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(out)


def message(*fields: tuple[int, Any]) -> bytes:
    """A message of (field number, value): integers as varints, floats as 32 bits, text and bytes with their length."""
    out = b""
    for number, value in fields:
        if isinstance(value, bool | int):
            out += varint(number << 3) + varint(int(value))
        elif isinstance(value, float):
            out += varint(number << 3 | 5) + struct.pack("<f", value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


class Table(dict[int, Any]):
    """A FlatBuffers table: field index to value. Integers come as (struct code, value)."""


def flatbuffer(root: Table, identifier: bytes) -> bytes:
    """A buffer with its root table and a four-letter identifier (FlatBuffers internals, "Encoding")."""
    out = bytearray(4) + identifier
    struct.pack_into("<I", out, 0, _table(out, root))
    return bytes(out)


def _table(out: bytearray, table: Table) -> int:
    """Append a table: vtable, fields, then what they point to; answers where it begins."""
    count = max(table, default=-1) + 1
    sizes = {index: struct.calcsize(value[0]) if isinstance(value, tuple) else 4 for index, value in table.items()}
    places: dict[int, int] = {}
    size = 4
    for index in sorted(table, key=lambda index: -sizes[index]):
        size += -size % sizes[index]
        places[index] = size
        size += sizes[index]
    _align(out, 4)
    vtable = len(out)
    out += struct.pack("<HH", 4 + 2 * count, size) + b"".join(
        struct.pack("<H", places.get(index, 0)) for index in range(count)
    )
    _align(out, 8)
    start = len(out)
    out += struct.pack("<i", start - vtable) + bytes(size - 4)
    for index, value in table.items():
        at = start + places[index]
        if isinstance(value, tuple):
            struct.pack_into("<" + value[0], out, at, value[1])
        else:
            target = _target(out, value)
            struct.pack_into("<I", out, at, target - at)
    return start


def _target(out: bytearray, value: Any) -> int:
    """Append a string, a byte vector, a vector of tables or of scalars, or a table."""
    if isinstance(value, Table):
        return _table(out, value)
    _align(out, 16)
    out += bytes(12)
    start = len(out)
    if isinstance(value, str | bytes):
        data = value.encode() + b"\0" if isinstance(value, str) else value
        out += struct.pack("<I", len(data) - isinstance(value, str)) + data
    elif value and isinstance(value[0], int):
        out += struct.pack(f"<I{len(value)}i", len(value), *value)
    else:
        _vector(out, start, value)
    return start


def _vector(out: bytearray, start: int, items: Sequence[Any]) -> None:
    out += struct.pack("<I", len(items)) + bytes(4 * len(items))
    for number, item in enumerate(items):
        at = start + 4 + 4 * number
        target = _target(out, item)
        struct.pack_into("<I", out, at, target - at)


def _align(out: bytearray, width: int) -> None:
    out += bytes(-len(out) % width)
