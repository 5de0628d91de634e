"""JPEG (ITU-T T.81): Exif, XMP, IPTC, comments and C2PA in the segments before the picture."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from touchstone.methods.labelling.exif import exif_fields
from touchstone.methods.labelling.fields import AIGC, LARGEST_MANIFEST, MANIFEST, DamagedError, Field, decoded
from touchstone.methods.labelling.xmp import xmp_fields

SIGNATURE = b"\xff\xd8\xff"
_EXIF = b"Exif\x00\x00"
_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_PHOTOSHOP = b"Photoshop 3.0\x00"
_IPTC_RESOURCE = 0x0404
_SCAN, _COMMENT = 0xDA, 0xFE


def jpeg_fields(content: bytes) -> Iterator[Field]:
    """Every field up to the first scan. Raises `DamagedError` when no scan comes."""
    manifest: list[bytes] = []
    for marker, data in _segments(content):
        if marker == _COMMENT:
            yield Field("jpeg COM", "Comment", decoded(data))
        elif marker == 0xE1 and data.startswith(_EXIF):
            yield from exif_fields(data[len(_EXIF) :], "jpeg Exif")
        elif marker == 0xE1 and data.startswith(_XMP):
            yield from xmp_fields(data[len(_XMP) :], "jpeg XMP")
        elif marker == 0xED and data.startswith(_PHOTOSHOP):
            yield from _resources(data[len(_PHOTOSHOP) :])
        elif marker == 0xEB and data.startswith(b"JP"):
            manifest.append(data[8:])  # after the number of the box and of its part
        elif 0xE0 <= marker <= 0xEF and data.startswith(AIGC.encode() + b"{"):
            yield Field(f"jpeg APP{marker - 0xE0}", AIGC, decoded(data[len(AIGC) :]))
    if manifest:
        yield Field("jpeg APP11", MANIFEST, b"".join(manifest)[:LARGEST_MANIFEST].decode("latin-1"))


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            raise DamagedError
        marker = content[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker == _SCAN:
            return
        (length,) = struct.unpack_from(">H", content, at + 2)
        if length < 2 or at + 2 + length > len(content):
            raise DamagedError
        yield marker, content[at + 4 : at + 2 + length]
        at += 2 + length
    raise DamagedError


def _resources(data: bytes) -> Iterator[Field]:
    """IPTC data sets (IIM 4.2) among image resources of Photoshop."""
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 8 <= len(data):
        (resource,) = struct.unpack_from(">H", data, at + 4)
        name = data[at + 6] + 1
        at += 6 + name + name % 2
        if at + 4 > len(data):
            raise DamagedError
        (size,) = struct.unpack_from(">I", data, at)
        if at + 4 + size > len(data):
            raise DamagedError
        if resource == _IPTC_RESOURCE:
            yield from _data_sets(data[at + 4 : at + 4 + size])
        at += 4 + size + size % 2


def _data_sets(data: bytes) -> Iterator[Field]:
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, number, size = struct.unpack_from(">BBH", data, at + 1)
        if size & 0x8000 or at + 5 + size > len(data):
            raise DamagedError
        yield Field("jpeg IPTC", f"{record}:{number}", decoded(data[at + 5 : at + 5 + size]))
        at += 5 + size
