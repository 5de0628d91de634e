"""MP4, M4A and MOV (ISO/IEC 14496-12; QuickTime): keys and items of metadata, XMP and C2PA in boxes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from touchstone.methods.labelling.fields import (
    LARGEST_MANIFEST,
    LONGEST_VALUE,
    MANIFEST,
    MOST_FIELDS,
    DamagedError,
    Field,
    decoded,
)
from touchstone.methods.labelling.xmp import xmp_fields

_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_COMMENT = b"\xa9cmt"


def iso_fields(content: bytes) -> Iterator[Field]:
    """Every field of the movie and the file. Raises `DamagedError` when a box says it is longer than what holds it."""
    for kind, data in _boxes(content):
        if kind == b"uuid" and data[:16] == _XMP:
            yield from xmp_fields(data[16:], "mp4 XMP")
        elif kind == b"uuid" and data[:16] == _C2PA:
            yield Field("mp4 uuid", MANIFEST, data[16 : 16 + LARGEST_MANIFEST].decode("latin-1"))
        elif kind == b"moov":
            for inner, below in _boxes(data):
                if inner == b"udta":
                    yield from _user_data(below)
                elif inner == b"meta":
                    yield from _metadata(below)
        elif kind == b"meta":
            yield from _metadata(data)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes side by side in `content`."""
    return islice(_all_boxes(content), MOST_FIELDS)


def _all_boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1 and at + 16 <= len(content):
            (size,) = struct.unpack_from(">Q", content, at + 8)
            head = 16
        end = len(content) if size == 0 else at + size
        if end > len(content) or end < at + head:
            raise DamagedError
        yield kind, content[at + head : end]
        at = end


def _user_data(data: bytes) -> Iterator[Field]:
    for kind, below in _boxes(data.removesuffix(b"\x00\x00\x00\x00")):
        if kind == b"meta":
            yield from _metadata(below)
        elif kind == b"XMP_":
            yield from xmp_fields(below, "mp4 XMP")
        elif kind == b"AIGC":
            yield Field("mp4 udta", "AIGC", decoded(below[:LONGEST_VALUE].rstrip(b"\x00")))
        elif kind == _COMMENT and len(below) >= 4:  # its length and language, then the text
            yield Field("mp4 udta", "Comment", decoded(below[4:LONGEST_VALUE]))


def _metadata(data: bytes) -> Iterator[Field]:
    """Items of `ilst`, named by number in `keys`, by four letters, or by a name of their own."""
    full = data[4:] if data[4:8] != b"hdlr" else data  # ISO writes version and flags first, QuickTime does not
    below = dict(_boxes(full))
    keys = list(_keys(below.get(b"keys", b"")))
    for kind, item in _boxes(below.get(b"ilst", b"")):
        parts = dict(_boxes(item))
        value = parts.get(b"data", b"")[8 : 8 + LONGEST_VALUE]  # after kind of value and language
        number = int.from_bytes(kind, "big")
        if kind == b"----":
            name = decoded(parts.get(b"name", b"")[4:])
        elif 1 <= number <= len(keys):
            name = keys[number - 1]
        else:
            name = "Comment" if kind == _COMMENT else kind.decode("latin-1")
        yield Field("mp4 ilst", name, decoded(value))


def _keys(data: bytes) -> Iterator[str]:
    if len(data) < 8:
        return
    yield from (decoded(name) for _, name in _boxes(data[8:]))
