"""One file from disk: opened once, hashed and read from the same descriptor, compared with itself at the end."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from touchstone.files import open_regular
from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.findings import FileResult, Finding, Gap
from touchstone.scan.source import FileSource, MemorySource, Source
from touchstone.text import Text

SMALL: Final = 2**20
"""Files of up to this many bytes are read once into memory, then hashed and examined there."""
_BLOCK: Final = 2**20


def scan_file(path: Path, shown_as: str, limits: Limits | None = None) -> FileResult:
    """Examine one file. Raises `FileError` when it cannot be opened; never raises on what is in it."""
    with open_regular(path, shown_as) as file:
        descriptor = file.fileno()
        before = os.fstat(descriptor)
        if before.st_size <= SMALL:
            data = file.read()
            return _with_change(scan_bytes(data, shown_as, limits), before, os.fstat(descriptor))
        hashing = _Hashing(descriptor, before.st_size)
        source = FileSource(descriptor, before.st_size, file_offset=0)
        result = _examined(source, shown_as, hashing.digest, limits or Limits())
        return _with_change(result, before, os.fstat(descriptor))


def scan_bytes(data: bytes, shown_as: str, limits: Limits | None = None) -> FileResult:
    """Examine bytes that are in memory, as a file of that name."""
    return _examined(MemorySource(data, file_offset=0), shown_as, hashlib.sha256(data).hexdigest, limits or Limits())


def _examined(source: Source, shown_as: str, digest: Callable[[], str], limits: Limits) -> FileResult:
    examination = Examination(shown_as, Budget(limits, source.size))
    kind = examination.run(source)
    collected = examination.collected
    return FileResult(
        path=shown_as,
        size=source.size,
        sha256=digest(),
        format=kind,
        runs_code=collected.runs_code,
        findings=tuple(sorted(collected.findings, key=_finding_order)),
        gaps=tuple(sorted(collected.gaps, key=_gap_order)),
        facts=tuple(sorted(collected.facts)),
        references=tuple(sorted(collected.references)),
        tensors=tuple(sorted(collected.tensors)),
    )


def _finding_order(finding: Finding) -> tuple[str, int, str, str, str]:
    return finding.where, finding.offset, finding.rule, finding.shown, finding.what.en


def _gap_order(gap: Gap) -> tuple[str, str, str]:
    return gap.where, gap.code, gap.why.en


def _with_change(result: FileResult, before: os.stat_result, after: os.stat_result) -> FileResult:
    """The result, incomplete when the file was written to while it was read."""
    if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
        return result
    changed = Gap(result.path, "changed", Text("changed while it was read", "读取期间文件发生变化"))
    return replace(result, gaps=(*result.gaps, changed))


class _Hashing:
    """Hashes a file in a thread of its own, while readers look at the same pages. SHA-256 lets go of the GIL."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._hash = hashlib.sha256()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, args=(descriptor, size), daemon=True)
        self._thread.start()

    def digest(self) -> str:
        """Wait for the end and answer the digest. Raises `OSError` when the file could not be read to its end."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._hash.hexdigest()

    def _run(self, descriptor: int, size: int) -> None:
        block = bytearray(_BLOCK)
        try:
            for start in range(0, size, _BLOCK):
                count = os.preadv(descriptor, [block], start)
                self._hash.update(memoryview(block)[: min(count, size - start)])
        except OSError as failure:
            self._failure = failure
