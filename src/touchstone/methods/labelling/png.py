"""PNG (ISO/IEC 15948): text chunks, Exif, XMP and C2PA."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from touchstone.methods.labelling.exif import exif_fields
from touchstone.methods.labelling.fields import (
    LARGEST_MANIFEST,
    LONGEST_VALUE,
    MANIFEST,
    DamagedError,
    Field,
    decoded,
    inflated,
    split_once,
)
from touchstone.methods.labelling.xmp import xmp_fields

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_READ = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"caBX")
_XMP_KEYWORD = b"XML:com.adobe.xmp"


def png_fields(content: bytes) -> Iterator[Field]:
    """Every field up to the end chunk. Raises `DamagedError` without that chunk, or when a check sum does not fit."""
    for kind, data in _chunks(content):
        if kind == b"tEXt":
            keyword, text = split_once(data)
            yield Field("png tEXt", decoded(keyword), decoded(text))
        elif kind == b"zTXt":
            keyword, packed = split_once(data)
            if packed[:1] != b"\x00":
                raise DamagedError
            yield Field("png zTXt", decoded(keyword), decoded(inflated(packed[1:])))
        elif kind == b"iTXt":
            yield from _international(data)
        elif kind == b"eXIf":
            yield from exif_fields(data, "png eXIf")
        elif kind == b"caBX":
            yield Field("png caBX", MANIFEST, data.decode("latin-1"))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            raise DamagedError
        if kind == b"IEND":
            return
        if kind in _READ:
            data = content[at + 8 : end]
            most = LARGEST_MANIFEST if kind == b"caBX" else LONGEST_VALUE
            if length > most or zlib.crc32(kind + data) != struct.unpack_from(">I", content, end)[0]:
                raise DamagedError
            yield kind, data
        at = end + 4
    raise DamagedError


def _international(data: bytes) -> Iterator[Field]:
    keyword, rest = split_once(data)
    if len(rest) < 2:
        raise DamagedError
    _, rest_of_it = split_once(rest[2:])  # the language
    _, text = split_once(rest_of_it)  # the keyword in that language
    if rest[0] == 1:
        text = inflated(text)
    if keyword == _XMP_KEYWORD:
        yield from xmp_fields(text, "png iTXt XMP")
    else:
        yield Field("png iTXt", decoded(keyword), decoded(text))
