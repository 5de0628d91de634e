"""ID3v2 tags of sound files (id3.org, versions 2.2 to 2.4)."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.methods.labelling.fields import LONGEST_VALUE, MANIFEST, DamagedError, Field, decoded
from touchstone.methods.labelling.xmp import xmp_fields

SIGNATURE = b"ID3"
_MOST_BYTES = 64 * 1024 * 1024
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_UNREADABLE = 0x000C
"""Flags of a frame that is compressed or encrypted."""


def id3_fields(content: bytes, place: str = "id3") -> Iterator[Field]:
    """User texts, comments, XMP and C2PA of the tag at the beginning. Raises `DamagedError`."""
    if len(content) < 10 or content[3] not in (2, 3, 4):
        raise DamagedError
    version, flags, size = content[3], content[5], _seven_bits(content[6:10])
    if size > _MOST_BYTES or 10 + size > len(content):
        raise DamagedError
    body = content[10 : 10 + size]
    if flags & 0x80 and version < 4:  # unsynchronised as a whole
        body = body.replace(b"\xff\x00", b"\xff")
    at = 0
    if flags & 0x40 and version > 2:
        extended = _seven_bits(body[:4]) if version == 4 else int.from_bytes(body[:4], "big") + 4
        at = max(4, extended)
    for name, data in _frames(body, at, version):
        yield from _frame(name, data, place)


def _frames(body: bytes, at: int, version: int) -> Iterator[tuple[str, bytes]]:
    name_size, head = (3, 6) if version == 2 else (4, 10)
    while at + head <= len(body) and body[at] != 0:
        name = body[at : at + name_size].decode("latin-1")
        raw = body[at + name_size : at + 2 * name_size]
        size = _seven_bits(raw) if version == 4 else int.from_bytes(raw, "big")
        if at + head + size > len(body):
            raise DamagedError
        frame_flags = int.from_bytes(body[at + 8 : at + 10], "big") if version > 2 else 0
        data = body[at + head : at + head + size]
        if version == 4 and frame_flags & 0x01 and len(data) >= 4:
            data = data[4:]  # its length once more
        if version == 4 and frame_flags & 0x02:
            data = data.replace(b"\xff\x00", b"\xff")
        if not (version == 4 and frame_flags & _UNREADABLE) and size <= LONGEST_VALUE:
            yield name, data
        at += head + size


def _frame(name: str, data: bytes, place: str) -> Iterator[Field]:
    if name in ("TXXX", "TXX") and data:
        description, value = _two_texts(data[1:], data[0])
        yield Field(f"{place} {name}", description, value)
    elif name in ("COMM", "COM") and len(data) > 4:
        description, value = _two_texts(data[4:], data[0])
        yield Field(f"{place} {name}", description or "Comment", value)
    elif name == "PRIV" and data.startswith(b"XMP\x00"):
        yield from xmp_fields(data[4:], f"{place} XMP")
    elif name == "GEOB" and b"c2pa" in data[:64]:
        yield Field(f"{place} GEOB", MANIFEST, data.decode("latin-1"))


def _two_texts(data: bytes, encoding: int) -> tuple[str, str]:
    if encoding >= len(_ENCODINGS):
        raise DamagedError
    if encoding in (0, 3):
        before, _, after = data.partition(b"\x00")
        return decoded(before), decoded(after.rstrip(b"\x00"))
    even = next((at for at in range(0, len(data) - 1, 2) if data[at : at + 2] == b"\x00\x00"), len(data))
    name = _ENCODINGS[encoding]
    return data[:even].decode(name, "replace"), data[even + 2 :].decode(name, "replace").rstrip("\x00")


def _seven_bits(raw: bytes) -> int:
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value
