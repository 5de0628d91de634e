"""TIFF directories, in which Exif keeps its texts (TIFF 6.0; Exif 2.32, CIPA DC-008)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from touchstone.methods.labelling.fields import LONGEST_VALUE, DamagedError, Field, decoded
from touchstone.methods.labelling.xmp import xmp_fields

_TEXTS = {
    0x010E: "ImageDescription",
    0x0131: "Software",
    0x013B: "Artist",
    0x9286: "UserComment",
    0x9C9C: "XPComment",
}
_XMP = 0x02BC
_EXIF_DIRECTORY = 0x8769
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
_MOST_ENTRIES = 1_000


def exif_fields(tiff: bytes, place: str) -> Iterator[Field]:
    """Texts of the first directory and of its Exif directory. Raises `DamagedError`."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        raise DamagedError
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    for tag, value in _entries(tiff, order, start):
        if tag == _EXIF_DIRECTORY and len(value) == 4:
            (below,) = struct.unpack(order + "I", value)
            for inner, text in _entries(tiff, order, below):
                yield from _texts(inner, text, place, order)
        yield from _texts(tag, value, place, order)


def _entries(tiff: bytes, order: str, start: int) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every entry of the directory at `start` that is of use here."""
    try:
        (count,) = struct.unpack_from(order + "H", tiff, start)
        if count > _MOST_ENTRIES:
            raise DamagedError
        for position in range(count):
            at = start + 2 + 12 * position
            tag, kind, number = struct.unpack_from(order + "HHI", tiff, at)
            if tag not in _TEXTS and tag not in (_XMP, _EXIF_DIRECTORY):
                continue
            size = _SIZES.get(kind, 0) * number
            place = at + 8 if size <= 4 else struct.unpack_from(order + "I", tiff, at + 8)[0]
            if size > LONGEST_VALUE or place + size > len(tiff):
                raise DamagedError
            yield tag, tiff[place : place + size]
    except struct.error:
        raise DamagedError from None


def _texts(tag: int, value: bytes, place: str, order: str) -> Iterator[Field]:
    if tag == _XMP:
        yield from xmp_fields(value, f"{place} XMP")
    elif tag in _TEXTS:
        yield Field(place, _TEXTS[tag], _text(tag, value, order))


def _text(tag: int, value: bytes, order: str) -> str:
    if _TEXTS[tag] == "XPComment":
        return value.decode("utf-16-le", "replace").rstrip("\x00")
    if _TEXTS[tag] == "UserComment":  # eight bytes name its characters
        code, value = value[:8], value[8:]
        if code == b"UNICODE\x00":
            return value.decode("utf-16-le" if order == "<" else "utf-16-be", "replace").strip("\x00 ")
    return decoded(value.rstrip(b"\x00 "))
