"""Fields of metadata as they stand in a file, and what all readers of them share."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

LONGEST_VALUE = 1024 * 1024
"""Bytes of one field, unpacked; labels are hundreds of bytes long."""
LARGEST_MANIFEST = 16 * 1024 * 1024
"""Bytes of a C2PA manifest store, which may hold pictures."""
MOST_FIELDS = 10_000
LONGEST_OF_ALL = 32 * 1024 * 1024
"""Characters of all fields of a file together."""
AIGC = "AIGC"
"""Name of the field that holds the label of GB 45438-2025 (appendix E)."""
MANIFEST = "C2PA"
"""Name under which readers hand on a C2PA manifest store (ISO 22144), whatever holds it."""


class DamagedError(Exception):
    """The metadata of a file cannot be read to their end: damaged, cut, or larger than is read."""


class UnsupportedError(Exception):
    """Nothing here reads metadata of this format."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: the part of the file it stands in (`png iTXt`), its name there, and its value."""

    place: str
    name: str
    value: str


def decoded(raw: bytes) -> str:
    """Text of a field: UTF-8 as most programs write whatever a format prescribes, else Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def inflated(packed: bytes) -> bytes:
    """The bytes of a zlib stream (RFC 1950). Raises `DamagedError`, also for what unpacks to more than is read."""
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, LONGEST_VALUE)
    except zlib.error:
        raise DamagedError from None
    if not unpacking.eof:
        raise DamagedError
    return content


def split_once(raw: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the first NUL. Raises `DamagedError` when there is none."""
    before, nul, after = raw.partition(b"\x00")
    if not nul:
        raise DamagedError
    return before, after
