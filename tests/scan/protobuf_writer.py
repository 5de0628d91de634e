"""A writer of protocol-buffer messages for tests: the wire format, nothing but what the tests need."""

from __future__ import annotations

import struct


def varint(value: int) -> bytes:
    """A base-128 integer."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes | str) -> bytes:
    """A length-delimited field: text, bytes or a message."""
    raw = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def float32(field: int, value: float) -> bytes:
    """A `float` field."""
    return varint(field << 3 | 5) + struct.pack("<f", value)
