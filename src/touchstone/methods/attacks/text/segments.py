"""Where a text can be changed: its words of Latin letters and its Chinese characters, one unit each.

Numbers, addresses of the web and of mail, and everything else are no units: nobody who wants to be understood, or
paid, changes those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Script = Literal["word", "han"]

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f"
_KEPT = r"(?:https?://|www\.)[!-~]+|[\w.+-]+@[\w-]+\.[\w.-]+"
_WORD = rf"[{LATIN}]++(?:['’][{LATIN}]++)*+(?![0-9])"
_UNIT = re.compile(rf"(?P<kept>{_KEPT})|(?P<word>{_WORD})|(?P<han>[{HAN}])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unit:
    """A word or a Chinese character, and its place in the text."""

    start: int
    end: int
    script: Script
    text: str


def units(text: str) -> tuple[Unit, ...]:
    """The units of a text, in order.

    >>> [unit.text for unit in units("Pay 300 to a@b.cn 现在!")]
    ['Pay', 'to', '现', '在']
    """
    return tuple(
        Unit(found.start(), found.end(), "han" if found["han"] else "word", found[0])
        for found in _UNIT.finditer(text)
        if not found["kept"] and not (found["word"] and _follows_digit(text, found.start()))
    )


def _follows_digit(text: str, start: int) -> bool:
    """Letters after a digit belong to a number: `3rd`, `5kg`."""
    return start > 0 and text[start - 1] in "0123456789"
