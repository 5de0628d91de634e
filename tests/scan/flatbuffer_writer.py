"""A writer of FlatBuffers for tests: tables of numbers, texts, vectors and further tables, front to back."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_LAYOUTS: Final = {"u8": "<B", "i8": "<b", "i32": "<i", "u32": "<I", "i64": "<q", "u64": "<Q", "f64": "<d"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a type."""

    kind: str
    value: int | float


@dataclass(frozen=True, slots=True)
class Numbers:
    """A vector of numbers of a type."""

    kind: str
    values: Sequence[int]


Value = Number | Numbers | str | bytes | Mapping[int, "Value"] | Sequence[Mapping[int, "Value"]]
"""A table is a mapping from slots to values; a sequence of them is a vector of tables."""
Table = Mapping[int, Value]


def flatbuffer(root: Table, identifier: bytes, gap: int = 0) -> bytes:
    """A whole buffer, with `gap` bytes free behind the identifier."""
    out = bytearray(8 + gap)
    out[4:8] = identifier
    _point(out, 0, _table(out, root))
    return bytes(out)


def _table(out: bytearray, fields: Table) -> int:
    slots = max(fields, default=-1) + 1
    _align(out, 8)
    vtable = len(out)
    inline = 4 + 8 * len(fields)
    order = {slot: 4 + 8 * index for index, slot in enumerate(fields)}
    out += struct.pack(f"<HH{slots}H", 4 + 2 * slots, inline, *(order.get(slot, 0) for slot in range(slots)))
    _align(out, 8)
    out += bytes(4)
    start = len(out) - 4
    struct.pack_into("<i", out, start, start - vtable)
    out += bytes(inline - 4)
    for slot, value in fields.items():
        place = start + order[slot]
        if isinstance(value, Number):
            struct.pack_into(_LAYOUTS[value.kind], out, place, value.value)
        else:
            _point(out, place, _written(out, value))
    return start


def _written(out: bytearray, value: Value) -> int:
    if isinstance(value, Mapping):
        return _table(out, value)
    _align(out, 8)
    out += bytes(4)
    start = len(out)
    if isinstance(value, str):
        return _vector(out, start, len(value.encode()), value.encode() + b"\x00")
    if isinstance(value, bytes):
        return _vector(out, start, len(value), value)
    if isinstance(value, Numbers):
        data = b"".join(struct.pack(_LAYOUTS[value.kind], each) for each in value.values)
        return _vector(out, start, len(value.values), data)
    assert not isinstance(value, Number)
    vector = _vector(out, start, len(value), bytes(4 * len(value)))
    for index, table in enumerate(value):
        _point(out, start + 4 + 4 * index, _table(out, table))
    return vector


def _vector(out: bytearray, start: int, count: int, data: bytes) -> int:
    out += struct.pack("<I", count) + data
    return start


def _point(out: bytearray, place: int, target: int) -> None:
    struct.pack_into("<I", out, place, target - place)


def _align(out: bytearray, to: int) -> None:
    out += bytes(-len(out) % to)
