"""Headers of tar archives: v7, ustar, pax and GNU, with the fields that replace one another.

POSIX.1-2017 (pax), GNU tar manual "Basic Tar Format", and what Python's `tarfile` makes of damaged ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

BLOCK: Final = 512
LONGEST_EXTENSION: Final = 2**20
"""Bytes of one long name or one set of pax records."""

_OCTAL: Final = re.compile(rb"[ \\0]*([0-7]*)[ \\0]*".replace(rb"\\0", b"\x00"))
_RECORD: Final = re.compile(rb"(\d{1,7}) ([^=\n]+)=")


@dataclass(frozen=True, slots=True)
class TarHeader:
    """One header block."""

    name: str
    size: int
    kind: str
    """The type flag: `0` file, `1` hard link, `2` symbolic link, `5` folder, `x` pax records, `L` long name, …"""
    target: str
    """Where a link leads."""
    mode: int
    """Permissions."""


def parse_header(block: bytes) -> TarHeader | None:
    """The header in a block, or `None` when its checksum or a number in it is wrong."""
    if not is_header(block):
        return None
    size = _number(block[124:136])
    if size is None or size < 0:
        return None
    name = _text(block[0:100])
    kind = block[156:157].decode("latin-1")
    if block[257:262] == b"ustar" and block[262:263] != b" ":
        prefix = _text(block[345:500])
        name = f"{prefix}/{name}" if prefix else name
    if kind == "\x00":
        # Before POSIX a folder was a file whose name ends so.
        kind = "5" if name.endswith("/") else "0"
    return TarHeader(name, size, kind, _text(block[157:257]), _number(block[100:108]) or 0)


def is_header(block: bytes) -> bool:
    """Whether a block carries the checksum of a tar header, with its bytes taken as unsigned or, once, as signed."""
    if len(block) < BLOCK or not block[0]:
        return False
    expected = _number(block[148:156])
    if expected is None:
        return False
    rest = block[:148] + block[156:BLOCK]
    unsigned = sum(rest) + 8 * ord(" ")
    return expected == unsigned or expected == unsigned - 256 * sum(byte > 127 for byte in rest)


def parse_records(content: bytes) -> dict[str, str] | None:
    """Pax records, `length key=value` and a line break each; `None` when they are damaged."""
    records: dict[str, str] = {}
    position = 0
    while position < len(content):
        match = _RECORD.match(content, position)
        if match is None:
            return None if content[position:].strip(b"\x00") else records
        stop = position + int(match[1])
        if stop > len(content) or stop <= match.end() or content[stop - 1 : stop] != b"\n":
            return None
        key = match[2].decode("utf-8", "replace")
        records[key] = content[match.end() : stop - 1].decode("utf-8", "surrogateescape")
        position = stop
    return records


def _number(field: bytes) -> int | None:
    """Octal digits, or, with the highest bit set, a binary number (GNU)."""
    if field[0] in (0x80, 0xFF):
        return int.from_bytes(field[1:], "big") if field[0] == 0x80 else -1
    match = _OCTAL.fullmatch(field)
    return int(match[1] or b"0", 8) if match else None


def _text(field: bytes) -> str:
    return field.split(b"\x00", 1)[0].decode("utf-8", "surrogateescape")
