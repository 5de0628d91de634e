"""How much of what was named was read: the sentence that no result of ours goes without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.scan.findings import VERDICTS, FileResult, Gap, GapCode, ScanResult, Verdict
from touchstone.scan.output.words import GAPS
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts over all files of a scan."""

    files: int
    bytes: int
    complete: int
    """Files that were read and understood to the last byte."""
    verdicts: Mapping[Verdict, int]
    """Files by verdict, worst first; verdicts of no file are left out."""
    gaps: Mapping[GapCode, int]
    """Files that have a gap of this kind, whether or not somebody answers for it."""

    def sentence(self) -> Text:
        """How much was read, and why not all, if not all was."""
        size = readable_size(self.bytes)
        if self.complete == self.files:
            return Text(
                f"{_counted(self.files)}, {size}, all read to the last byte",
                f"共 {self.files} 个文件，{size}，全部完整读取",
            )
        missing = self.files - self.complete
        why_en = ", ".join(f"{GAPS[code].en} {count}" for code, count in self.gaps.items())
        why_zh = "，".join(f"{GAPS[code].zh} {count}" for code, count in self.gaps.items())
        return Text(
            f"{_counted(self.files)}, {size}; read to the last byte {self.complete}, not {missing} ({why_en})",
            f"共 {self.files} 个文件，{size}；完整读取 {self.complete} 个，未完整读取 {missing} 个（{why_zh}）",
        )


def coverage_of(result: ScanResult) -> Coverage:
    """Count the files of a scan."""
    verdicts = Counter(file.verdict for file in result.files)
    gaps = Counter(code for file in result.files for code in _codes(file))
    return Coverage(
        files=len(result.files),
        bytes=sum(file.size for file in result.files),
        complete=sum(not _codes(file) for file in result.files),
        verdicts={verdict: verdicts[verdict] for verdict in VERDICTS if verdicts[verdict]},
        gaps={code: gaps[code] for code in GAPS if gaps[code]},
    )


def readable_size(size: int) -> str:
    """Bytes for people.

    >>> readable_size(512), readable_size(3 * 2**20), readable_size(2**30 + 2**29)
    ('512 B', '3.0 MiB', '1.5 GiB')
    """
    if size < 1024:
        return f"{size} B"
    scaled = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        scaled /= 1024
        if scaled < 1024:
            return f"{scaled:.1f} {unit}"
    return f"{scaled / 1024:.1f} TiB"


def _codes(file: FileResult) -> set[GapCode]:
    """The kinds of gaps a file has, also those that somebody answers for."""
    allowed = (each.item for each in file.allowed)
    return {item.code for item in (*file.gaps, *allowed) if isinstance(item, Gap)}


def _counted(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"
