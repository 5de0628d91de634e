"""RIFF files: WebP, WAV and AVI."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from touchstone.methods.labelling.exif import exif_fields
from touchstone.methods.labelling.fields import LARGEST_MANIFEST, LONGEST_VALUE, MANIFEST, DamagedError, Field, decoded
from touchstone.methods.labelling.id3 import id3_fields
from touchstone.methods.labelling.xmp import xmp_fields

SIGNATURE = b"RIFF"
FORMS = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
_DESCRIPTION = 256
"""Bytes of the description with which a broadcast extension begins (EBU Tech 3285)."""


def riff_fields(content: bytes) -> Iterator[Field]:
    """Every field of the file. Raises `DamagedError` when it ends too early."""
    form = FORMS.get(content[8:12], "riff")
    for kind, data in riff_chunks(content):
        if kind == b"LIST" and data[:4] == b"INFO":
            for name, text in _chunks(data, 4, len(data)):
                yield Field(f"{form} INFO", name.decode("latin-1").strip(), decoded(text.rstrip(b"\x00")))
        elif kind == b"EXIF":
            yield from exif_fields(data.removeprefix(b"Exif\x00\x00"), f"{form} Exif")
        elif kind in (b"XMP ", b"_PMX"):
            yield from xmp_fields(data, f"{form} XMP")
        elif kind == b"C2PA":
            yield Field(f"{form} C2PA", MANIFEST, data[:LARGEST_MANIFEST].decode("latin-1"))
        elif kind == b"bext":
            yield Field(f"{form} bext", "Description", decoded(data[:_DESCRIPTION].rstrip(b"\x00")))
        elif kind in (b"id3 ", b"ID3 ", b"AIGC"):
            yield from _own(kind, data, form)


def riff_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of every chunk of a RIFF file; what is larger than metadata are comes as it is, unread."""
    if len(content) < 12:
        raise DamagedError
    (size,) = struct.unpack_from("<I", content, 4)
    if 8 + size > len(content):
        raise DamagedError
    yield from _chunks(content, 12, 8 + size)


def _chunks(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", content, at)
        if at + 8 + size > end:
            raise DamagedError
        yield kind, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _own(kind: bytes, data: bytes, form: str) -> Iterator[Field]:
    if kind == b"AIGC":
        if len(data) > LONGEST_VALUE:
            raise DamagedError
        yield Field(f"{form} chunk", "AIGC", decoded(data.rstrip(b"\x00")))
    else:
        yield from id3_fields(data, f"{form} id3")
