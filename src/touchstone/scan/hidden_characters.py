"""Characters that make source code read differently from what it does, and text that no reader sees.

Bidirectional controls can move code out of a comment or into one on the screen while the compiler sees the stored
order (Boucher and Anderson, "Trojan Source", CVE-2021-42574). Tag characters spell ASCII that no font shows, which a
language model reads all the same. Ordinary right-to-left writing needs neither.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.text_encoding import Decoded
from touchstone.text import Text

REORDERED_CODE: Final = Rule(
    id="text/reordered-code",
    severity="high",
    nature="threat",
    title=Text(
        "Direction controls make this code look different from what it does",
        "方向控制字符使代码的显示内容与实际内容不一致",
    ),
    remedy=Text(
        "Remove the characters, then read the code as it is stored.", "请删除这些字符，再按存储顺序重新审阅代码。"
    ),
    references=("CVE-2021-42574", "CWE-1007"),
)
INVISIBLE_LETTER: Final = Rule(
    id="text/invisible-letter",
    severity="medium",
    nature="threat",
    title=Text("An invisible character stands inside a word of the code", "代码的单词中夹有不可见字符"),
    remedy=Text("Remove it, or ask the author why it is there.", "请删除该字符，或向作者询问原因。"),
    references=("CVE-2021-42694", "CWE-1007"),
)
INVISIBLE_TEXT: Final = Rule(
    id="text/invisible-text",
    severity="medium",
    nature="threat",
    title=Text(
        "Holds text in characters that are never shown, but that a language model reads",
        "含有不会显示、但语言模型能够读到的文字",
    ),
    remedy=Text(
        "Read the decoded text; remove it unless its purpose is known.", "请查看解码后的内容；用途不明时应予删除。"
    ),
    references=("CWE-1007", "MITRE ATLAS AML.T0051"),
)
RULES: Final[tuple[Rule, ...]] = (REORDERED_CODE, INVISIBLE_LETTER, INVISIBLE_TEXT)

_OPENING = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
_CLOSING = "\u202c\u2069"
_DIRECTION: Final = re.compile(f"[{_OPENING}{_CLOSING}]")
_INSIDE_WORD: Final = re.compile("(?<=[A-Za-z0-9_])[\u200b-\u200d\u2060\ufeff](?=[A-Za-z0-9_])")
_MOST: Final = 200
"""Places of one kind that are reported."""
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]{10,}")
"""Flags of regions use at most seven in a row (Unicode Technical Standard 51, annex C)."""


def report_hidden_characters(decoded: Decoded, examination: Examination, *, code: bool) -> None:
    """Report direction controls and invisible letters (in code only), and invisible text anywhere."""
    text = decoded.text
    if text.isascii():
        return
    for tags in islice(_TAGS.finditer(text), _MOST):
        hidden = "".join(chr(ord(letter) - 0xE0000) for letter in tags.group())
        offset = decoded.offset(tags.start())
        examination.report(INVISIBLE_TEXT, hidden, offset=offset, length=4 * len(hidden))
    if not code:
        return
    for invisible in islice(_INSIDE_WORD.finditer(text), _MOST):
        around = text[max(invisible.start() - 20, 0) : invisible.end() + 20]
        examination.report(INVISIBLE_LETTER, around, offset=decoded.offset(invisible.start()))
    seen_lines: set[int] = set()
    for control in islice(_DIRECTION.finditer(text), _MOST):
        start = max(text.rfind("\n", 0, control.start()) + 1, control.start() - 400)
        if start in seen_lines:
            continue
        seen_lines.add(start)
        line = text[start : start + 800].split("\n", 1)[0]
        # Compilers warn about controls left open at the end of their line (GCC, -Wbidi-chars=unpaired).
        is_open = sum(letter in _OPENING for letter in line) != sum(letter in _CLOSING for letter in line)
        examination.report(
            REORDERED_CODE,
            line.strip(),
            offset=decoded.offset(control.start()),
            severity="high" if is_open else "medium",
        )
