"""Files of one format that are an archive to whoever looks for an archive.

Zip readers look from the end, tar readers at a checksum in the first block; neither minds what else the bytes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, Severity
from touchstone.scan.source import Source
from touchstone.text import Text

ALSO_ARCHIVE: Final = Rule(
    id="file/also-archive",
    severity="high",
    nature="threat",
    title=Text(
        "The file is of one format when read from its start, and an archive to programs that look for one",
        "从开头读取是一种格式，而对查找归档的程序来说又是一个归档",
    ),
    remedy=Text(
        "Refuse the file; ask whoever made it for one that means the same to every program.",
        "拒绝该文件；请提供方给出对任何程序含义都相同的文件。",
    ),
    references=("CWE-436", "MITRE ATLAS AML.T0074"),
)
RULES: Final[tuple[Rule, ...]] = (ALSO_ARCHIVE,)

_LONGEST_TAIL: Final = 22 + 0xFFFF
"""The end record of a zip archive and the longest comment after it."""


def look_for_zip(source: Source, kind: str, examination: Examination, members: Sequence[tuple[int, int]] = ()) -> None:
    """Report a zip archive at the end of a file. `members` are the places where archives may lie as a whole."""
    if b"PK\x05\x06" not in source.read(max(0, source.size - _LONGEST_TAIL), _LONGEST_TAIL):
        return
    from touchstone.scan.formats.zip_directory import find_directories

    for directory in find_directories(source):
        if any(start <= directory.start and directory.end < stop for start, stop in members):
            continue
        # A pickle of an archive's bytes is ordinary, if rare: nothing that loads the pickle opens the archive.
        severity: Severity = "medium" if kind == "pickle" else "high"
        examination.report(ALSO_ARCHIVE, f"{kind} and zip", offset=directory.start, severity=severity)
        examination.examine(source, "zip", "zip")
        return


def look_for_tar(source: Source, kind: str, examination: Examination) -> None:
    """Report a file whose first block is the header of a tar archive as well."""
    block = source.read(0, 512)
    if len(block) < 512 or block[148:154].strip(b" 01234567\x00"):
        return
    from touchstone.scan.formats.tar_header import is_header

    if is_header(block):
        examination.report(ALSO_ARCHIVE, f"{kind} and tar", offset=0)
        examination.examine(source, "tar", "tar")
