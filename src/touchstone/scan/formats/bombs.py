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
_CERTAIN_SIZE: Final = 128 * MEBIBYTE
"""Output of unusual ratio from which on it is taken for a bomb and not for an array of zeros."""
_LIMIT_RATIO: Final = 64
"""Output to input of the whole file, above which reaching the limit is the archive's doing and not its size's."""
_MANY_MEMBERS: Final = 20_000
_LITTLE: Final = 4
_DEEP: Final = 6
_ARCHIVES: Final = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd")
_LARGEST_QUINE: Final = 16 * MEBIBYTE


def judge_ratio(unpacked: Unpacked, packed: int, examination: Examination) -> None:
    """Report a bomb: what ran into the limit is certainly one, a single member that shrinks this well is unusual."""
    size, budget = unpacked.data.size, examination.budget
    too_much = unpacked.code == "limit" and budget.unpacked > _LIMIT_RATIO * budget.size
    if too_much or (size > _UNUSUAL_SIZE and size > _UNUSUAL_RATIO * packed):
        fact = f"{packed} bytes unpack to {size}{' and more' if too_much else ''}"
        examination.report(BOMB, fact, severity="high" if too_much or size >= _CERTAIN_SIZE else "medium")


def judge_count(members: int, packed: int, examination: Examination) -> None:
    """Report tens of thousands of members with next to nothing in them."""
    if members > _MANY_MEMBERS and packed < _LITTLE * members:
        examination.report(BOMB, f"{members} members of {packed} bytes in all")


def judge_depth(data: Source, examination: Examination) -> None:
    """Report a member that is an archive, deeper in archives than anybody packs them."""
    if examination.depth + 1 >= _DEEP and data.read(0, 6).startswith(_ARCHIVES):
        examination.report(BOMB, f"an archive within {examination.depth + 1} others")


def is_quine(unpacked: Source, archive: Source) -> bool:
    """Whether an archive holds itself, so that unpacking it never ends."""
    if unpacked.size != archive.size or unpacked.size > _LARGEST_QUINE:
        return False
    return unpacked.read(0, unpacked.size) == archive.read(0, archive.size)
