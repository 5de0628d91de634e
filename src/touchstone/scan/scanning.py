"""One scan, from named paths to a result: find the files, have workers read them, look at them together, set apart
what somebody answers for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.errors import UserError
from touchstone.scan import symbols
from touchstone.scan.allow_file import AllowFile, with_allowed
from touchstone.scan.budget import Limits
from touchstone.scan.findings import FileResult, ScanResult
from touchstone.scan.repository import judge_repository
from touchstone.scan.signed import SignedFiles, compared
from touchstone.scan.walk import Walked, walk
from touchstone.scan.workers import scan_in_workers, usable_cores
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.advisories import AdvisoryPack

Watcher = Callable[[int, int], None]
"""Told how many files are done, of how many."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How to scan. The defaults suit a person who wants to know whether a model may be loaded."""

    limits: Limits = Limits()  # noqa: RUF009 - frozen
    jobs: int | None = None
    """Workers at a time; as many as there are cores, up to eight, when left out."""
    tensors: bool = False
    """Whether the result holds the SHA-256 of every tensor, for which files are read once more."""
    inspect_tensors: bool = False
    """Whether samples of the weights are looked at for hidden text; what is seen is information."""
    allow: AllowFile | None = None
    today: date | None = None
    """The day for which entries of the allow file are taken; today when left out."""
    advisories: AdvisoryPack | None = None
    """What packages are looked up in (see `touchstone.scan.advisories.read_osv`); our own few when left out."""
    signed: SignedFiles | None = None
    """What the files are compared with (see `touchstone.system.model_signing`)."""


def scan(
    paths: Sequence[Path | str] | Path | str, options: ScanOptions | None = None, watcher: Watcher | None = None
) -> ScanResult:
    """Scan files and folders. Nothing of them is executed, imported or written.

    Raises `ScanError` when a path does not exist, or names neither a file nor a folder with files.
    """
    asked = options or ScanOptions()
    if asked.jobs is not None and asked.jobs < 1:
        raise UserError(Text("at least one worker is needed", "至少需要一个工作进程"), "jobs")
    walked = walk([paths] if isinstance(paths, Path | str) else paths)
    files: Collection[FileResult] = judge_repository(_in_order(_read(walked, asked, watcher)))
    files, advisories = _with_dependencies(files, asked.advisories)
    if asked.signed is not None:
        files = compared(files, asked.signed)
    result = ScanResult(_in_order(files), symbols.digest(), advisories, asked.limits)
    return result if asked.allow is None else with_allowed(result, asked.allow, asked.today or date.today())


def _read(walked: Walked, options: ScanOptions, watcher: Watcher | None) -> tuple[FileResult, ...]:
    """What workers made of each file, and what could not be opened."""
    results: list[FileResult] = []
    jobs = options.jobs or usable_cores()
    wanted = {"tensors": options.tensors, "inspect_tensors": options.inspect_tensors}
    for result in scan_in_workers(walked.places, options.limits, jobs, **wanted):
        results.append(result)
        if watcher is not None:
            watcher(len(results), len(walked.places))
    return (*results, *walked.refused)


def _with_dependencies(
    files: Collection[FileResult], advisories: AdvisoryPack | None
) -> tuple[Collection[FileResult], str]:
    """The results with what is known against packages they name, and the digest of where that is from."""
    if not any(fact.name in {"dependency", "base-model"} for file in files for fact in file.facts):
        return files, ""
    from touchstone.scan.advisories import own_pack
    from touchstone.scan.dependencies import judge_dependencies

    pack = advisories or own_pack()
    return judge_dependencies(files, pack), pack.sha256


def _in_order(files: Iterable[FileResult]) -> tuple[FileResult, ...]:
    return tuple(sorted(files, key=lambda file: file.path.split("/")))
