"""GIF89a: comments and XMP."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.methods.labelling.fields import LONGEST_VALUE, DamagedError, Field, decoded
from touchstone.methods.labelling.xmp import xmp_fields

SIGNATURES = (b"GIF87a", b"GIF89a")
_XMP_APPLICATION = b"XMP DataXMP"
_XMP_TRAILER = 257
"""Bytes after the packet that lead readers which take it for sub-blocks to its end (XMP part 3, 1.1.2)."""


def gif_fields(content: bytes) -> Iterator[Field]:
    """Every field up to the trailer. Raises `DamagedError` when it does not come."""
    try:
        yield from _blocks(content)
    except IndexError:
        raise DamagedError from None


def _blocks(content: bytes) -> Iterator[Field]:
    at = 13 + _table(content[10])
    while content[at] != 0x3B:
        if content[at] == 0x2C:  # a picture
            at = _skipped(content, at + 11 + _table(content[at + 9]))
        elif content[at] == 0x21 and content[at + 1] == 0xFE:
            end = _skipped(content, at + 2)
            yield Field("gif comment", "Comment", decoded(_joined(content, at + 2)))
            at = end
        elif content[at] == 0x21 and content[at + 3 : at + 14] == _XMP_APPLICATION:
            end = _skipped(content, at + 2)
            yield from xmp_fields(content[at + 14 : max(at + 14, end - _XMP_TRAILER - 1)], "gif XMP")
            at = end
        elif content[at] == 0x21:
            at = _skipped(content, at + 2)
        else:
            raise DamagedError


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skipped(content: bytes, at: int) -> int:
    """Where the sub-blocks at `at` have ended."""
    while content[at]:
        at += content[at] + 1
    return at + 1


def _joined(content: bytes, at: int) -> bytes:
    pieces, total = [], 0
    while size := content[at]:
        pieces.append(content[at + 1 : at + 1 + size])
        total += size
        at += size + 1
        if total > LONGEST_VALUE:
            raise DamagedError
    return b"".join(pieces)
