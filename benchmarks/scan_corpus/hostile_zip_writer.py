"""Zip archives field by field, so that the two places that describe a member can contradict each other.

Source: APPNOTE.TXT 6.3.10. A reader that starts at the front believes local headers; one that starts at the end, as
Python's and PyTorch's do, believes the central directory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class View:
    """What one of the two places says about a member."""

    name: bytes
    method: int = 0
    flags: int = 0
    crc: int = 0
    packed: int = 0
    size: int = 0
    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its bytes and the two views of them."""

    local: View
    central: View
    data: bytes
    attributes: int = 0
    made_by: int = 20
    offset: int | None = None
    """Where the directory says the local header is; where it really is by default."""
    descriptor: bytes = b""


def member(
    name: str,
    content: bytes,
    *,
    deflate: bool = False,
    local: Mapping[str, Any] | None = None,
    central: Mapping[str, Any] | None = None,
    attributes: int = 0,
    made_by: int = 20,
) -> Member:
    """An honest member, and what `local` and `central` change about its views."""
    data = zlib.compress(content, 6)[2:-4] if deflate else content
    view = View(name.encode(), 8 if deflate else 0, 0, zlib.crc32(content), len(data), len(content))
    return Member(replace(view, **(local or {})), replace(view, **(central or {})), data, attributes, made_by)


def zipped(
    members: list[Member],
    *,
    prefix: bytes = b"",
    tail: bytes = b"",
    comment: bytes = b"",
    shift: int = 0,
    count: int | None = None,
    between: bytes = b"",
) -> bytes:
    """The archive. `shift` is added to the offsets, as when bytes were put in front afterwards."""
    out = bytearray(prefix)
    offsets = []
    for part in members:
        offsets.append(len(out))
        view = part.local
        out += struct.pack(
            "<4sHHHHHIIIHH",
            b"PK\x03\x04",
            20,
            view.flags,
            view.method,
            0,
            33,
            view.crc,
            view.packed,
            view.size,
            len(view.name),
            len(view.extra),
        )
        out += view.name + view.extra + part.data + part.descriptor
    out += between
    start = len(out)
    for part, offset in zip(members, offsets, strict=True):
        view = part.central
        where = offset if part.offset is None else part.offset
        out += struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\x01\x02",
            part.made_by,
            20,
            view.flags,
            view.method,
            0,
            33,
            view.crc,
            view.packed,
            view.size,
            len(view.name),
            len(view.extra),
            0,
            0,
            0,
            part.attributes,
            where + shift,
        )
        out += view.name + view.extra
    number = len(members) if count is None else count
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, number, number, len(out) - start, start + shift, len(comment))
    return bytes(out) + end + comment + tail
