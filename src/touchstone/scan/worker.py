"""The inside of a worker: shut the walls, scan the places one was given, tell the parent, end.

A worker is a sandbox before it is a way to use more cores: the code that meets hostile bytes has no network, can
start no program, has bounded memory and time, and what it says is not believed (`touchstone.scan.answers`).
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from touchstone.files import FileError
from touchstone.isolation import Walls, build_walls, forbid_writing_outside
from touchstone.scan.answers import told
from touchstone.scan.budget import MEBIBYTE, Limits
from touchstone.scan.file import scan_file
from touchstone.scan.findings import FileResult, Gap
from touchstone.scan.walk import Place, unopened
from touchstone.text import Text

MEMORY: Final = 224 * MEBIBYTE
"""What a worker may take beyond what it shares with its parent; with that, it stays below 256 MiB."""
_HASHED_A_SECOND: Final = 100 * MEBIBYTE
_READ_A_SECOND: Final = 10 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker is to do."""

    places: tuple[Place, ...]
    limits: Limits
    tensors: bool = False
    """Whether the digest of every tensor is wanted, for which the file is read once more."""
    inspect_tensors: bool = False
    """Whether samples of the weights are looked at."""

    def to_bytes(self) -> bytes:
        """For a worker that is a new program, and cannot inherit it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Task:
        """What :meth:`to_bytes` wrote."""
        value: dict[str, Any] = json.loads(data)
        places = (Place(**{**place, "identity": tuple(place["identity"])}) for place in value["places"])
        return cls(tuple(places), Limits(**value["limits"]), value["tensors"], value["inspect_tensors"])


def processor_seconds(place: Place, limits: Limits) -> int:
    """Processor time after which the kernel ends a worker over one file: its reader should have stopped long before."""
    return int(2 * limits.seconds) + 30 + place.size // _HASHED_A_SECOND


def wall_seconds(place: Place, limits: Limits) -> int:
    """Time after which a worker is ended over one file, however slow the disk and however busy the machine."""
    return 4 * processor_seconds(place, limits) + place.size // _READ_A_SECOND


def work(task: Task, channel: int) -> None:
    """Scan every place and write the answers to the descriptor `channel`. Never returns for a hostile reason."""
    build_walls(
        Walls(
            memory_bytes=_address_space() + MEMORY,
            cpu_seconds=sum(processor_seconds(place, task.limits) for place in task.places),
            wall_seconds=sum(wall_seconds(place, task.limits) for place in task.places),
            largest_file=task.limits.unpacked,
        )
    )
    forbid_writing_outside(_temporary_folder())
    for place in task.places:
        _allow_time_for(place, task.limits)
        for line in told(_scanned(place, task)):
            _write(channel, line)


def _scanned(place: Place, task: Task) -> FileResult:
    path = Path(place.path)
    try:
        result = scan_file(path, place.shown, task.limits)
        return _with_tensors(path, result, task) if result.tensors else result
    except FileError as error:
        return unopened(place.shown, error.what, place.size)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        return unopened(place.shown, Text(f"cannot be read: {detail}", f"无法读取：{detail}"), place.size)
    except MemoryError:
        too_much = Gap(place.shown, "limit", Text("needs too much memory to read", "解析所需内存过大"))
        return FileResult(place.shown, place.size, "", "unknown", runs_code=False, gaps=(too_much,))


def _with_tensors(path: Path, result: FileResult, task: Task) -> FileResult:
    """What was asked about tensors beyond their names."""
    if task.tensors:
        from touchstone.scan.tensor_digests import digest_tensors

        result = digest_tensors(path, result)
    if task.inspect_tensors:
        from touchstone.scan.tensor_statistics import suspect_payloads

        result = replace(result, findings=(*result.findings, *suspect_payloads(path, result)))
    return result


def _allow_time_for(place: Place, limits: Limits) -> None:
    """Let the processor time of this process end with that of one file. The hard limit is that of all files."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    until = int(used.ru_utime + used.ru_stime) + processor_seconds(place, limits)
    resource.setrlimit(resource.RLIMIT_CPU, (min(until, most), most))


def _temporary_folder() -> str:
    """Where archives are unpacked to when they are large, as `tempfile` finds it."""
    return next((os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)), "/tmp")  # noqa: S108


def _address_space() -> int:
    """Bytes of address space in use, most of it shared with the parent or files of Python's own."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize()


def _write(channel: int, line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[os.write(channel, view) :]


def main(arguments: Sequence[str]) -> None:
    """Entry point where a worker cannot be forked: the task on standard input, the channel's number as argument."""
    work(Task.from_bytes(sys.stdin.buffer.read()), int(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
