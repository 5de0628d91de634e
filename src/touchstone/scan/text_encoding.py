"""Bytes as text: which encoding they are in, and at which byte a character lies.

UTF-8 first, then what Chinese Windows and spreadsheets write (UTF-16 with a mark, GB 18030), then the single-byte
encodings of western Europe. Anything with NUL bytes, or with more than a few control characters, is no text.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

LONGEST_TEXT: Final = 16 * 2**20
"""Bytes of a text that is parsed as a whole. Plain texts are read in windows and may be of any length."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS: Final = bytes([*sorted(set(range(32)) - {0, 9, 10, 12, 13}), 127])
"""Control characters that texts seldom hold; NUL never."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a text is written in bytes."""

    name: str
    """As `codecs` calls it."""
    mark: int = 0
    """Bytes of the byte order mark in front of the text."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A whole text and how it was written."""

    text: str
    encoding: Encoding

    def offset(self, index: int) -> int:
        """The byte at which the character at `index` begins."""
        before = self.text[: max(index, 0)]
        return self.encoding.mark + len(before.encode(self.encoding.name, "replace"))


def encoding_of(head: bytes, *, whole: bool) -> Encoding | None:
    """The encoding of a text that begins with `head`, or `None` when these bytes are no text."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            found = _decodes(head[len(mark) :], name, whole)
            return Encoding(name, len(mark)) if found else None
    if b"\x00" in head or _controls(head) * 100 > len(head):
        return None
    for name in ("utf-8", "gb18030"):
        if _decodes(head, name, whole):
            return Encoding(name)
    high = sum(1 for byte in head if byte >= 0x80)
    return Encoding("latin-1") if high * 4 < len(head) and not _controls(head) else None


def whole_text(source: Source, most: int = LONGEST_TEXT) -> Decoded:
    """All of a source as text. Raises `Unreadable` when it is larger than `most` or no text."""
    data = source.whole(most)
    encoding = encoding_of(data, whole=True)
    if encoding is None:
        raise Unreadable(Text("is not text in a known encoding", "不是已知编码的文本"))
    return Decoded(data[encoding.mark :].decode(encoding.name, "replace"), encoding)


def _controls(data: bytes) -> int:
    return len(data) - len(data.translate(None, _CONTROLS))


def _decodes(data: bytes, name: str, whole: bool) -> bool:
    """Whether the bytes are valid; a head cut from a longer file may end inside a character."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(data, final=whole)
    except UnicodeDecodeError:
        return False
    return "\x00" not in text
