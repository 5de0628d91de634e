"""Archives and compressed files that unpack to more than anybody has room for."""

from __future__ import annotations

from typing import Final

from touchstone.scan.budget import MEBIBYTE
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.scan.spool import Unpacked
from touchstone.text import Text

BOMB: Final = Rule(
    id="archive/bomb",
    severity="high",
    nature="threat",
    title=Text("Unpacks to far more than its own size", "解包后的体积远超其自身"),
    remedy=Text(
        "Do not unpack it; ask whoever made it for the files themselves.", "不要解包；请提供方直接给出原始文件。"
    ),
    references=("CWE-409",),
)

_UNUSUAL_SIZE: Final = 64 * MEBIBYTE
_UNUSUAL_RATIO: Final = 200
_LIMIT_RATIO: Final = 64
"""Output to input of the whole file, above which reaching the limit is the archive's doing and not its size's."""
_LARGEST_QUINE: Final = 16 * MEBIBYTE


def judge_ratio(unpacked: Unpacked, packed: int, examination: Examination) -> None:
    """Report a bomb: what ran into the limit is certainly one, a single member that shrinks this well is unusual."""
    size, budget = unpacked.data.size, examination.budget
    too_much = unpacked.code == "limit" and budget.unpacked > _LIMIT_RATIO * budget.size
    if too_much or (size > _UNUSUAL_SIZE and size > _UNUSUAL_RATIO * packed):
        fact = f"{packed} bytes unpack to {size}{' and more' if too_much else ''}"
        examination.report(BOMB, fact, severity="high" if too_much else "medium")


def is_quine(unpacked: Source, archive: Source) -> bool:
    """Whether an archive holds itself, so that unpacking it never ends."""
    if unpacked.size != archive.size or unpacked.size > _LARGEST_QUINE:
        return False
    return unpacked.read(0, unpacked.size) == archive.read(0, archive.size)
