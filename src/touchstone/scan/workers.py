"""Workers as their parent sees them: which files each gets, and what becomes of a file whose worker ends early.

Whatever a worker does (crash, hang, be killed, run out of memory, speak nonsense), the file it was reading becomes
incomplete; the files it had not come to are given to another one.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NoReturn

from touchstone.scan.answers import Hearing, NonsenseError
from touchstone.scan.budget import MEBIBYTE, Limits
from touchstone.scan.findings import FileResult, Gap, GapCode
from touchstone.scan.formats import READERS, reader_of
from touchstone.scan.walk import Place, still_the_same
from touchstone.scan.worker import Task, wall_seconds, work
from touchstone.text import Text

MOST_JOBS: Final = 8
_LARGE: Final = 16 * MEBIBYTE
"""A file of this size has a worker of its own; smaller ones share one, up to this size together."""
_MOST_IN_A_CHUNK: Final = 250
_INHERITED: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "VIRTUAL_ENV")

_NONSENSE = Text("its worker gave no answer of the right form", "其工作进程的输出格式不正确")
_TOO_LONG = Text("takes too long to read", "解析耗时过长")
_CHANGED = Text("changed while it was read", "读取期间文件发生变化")

Chunk = tuple[Place, ...]


def usable_cores() -> int:
    """Cores this process may run on, but no more than are of use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_JOBS)


def scan_in_workers(
    places: Sequence[Place], limits: Limits, jobs: int, *, tensors: bool = False, inspect_tensors: bool = False
) -> Iterator[FileResult]:
    """The result of every place, in the order in which they are done. Ends all workers when it is left.

    With `tensors`, every tensor has its digest; with `inspect_tensors`, samples of the weights are looked at.
    """
    waiting = deque(chunks(places, jobs))
    running: dict[int, _Worker] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    worker = _start(Task(waiting.popleft(), limits, tensors, inspect_tensors))
                    running[worker.channel] = worker
                    selector.register(worker.channel, selectors.EVENT_READ)
                soonest = min(worker.deadline for worker in running.values())
                for key, _ in selector.select(max(soonest - time.monotonic(), 0)):
                    worker = running[key.fd]
                    for result in worker.hear():
                        _import_reader(result.format, of_use=bool(waiting))
                        yield result
                    if worker.ended:
                        selector.unregister(key.fd)
                        del running[key.fd]
                        if worker.left:
                            waiting.appendleft(tuple(worker.left))
                for worker in running.values():
                    worker.end_if_overdue()
        finally:
            for worker in running.values():
                worker.end()


def chunks(places: Sequence[Place], jobs: int) -> list[Chunk]:
    """Which files share a worker: large ones none, small ones so that all jobs end at about the same time."""
    largest_first = sorted(places, key=lambda place: (-place.size, place.shown))
    most = min(max(len(places) // (4 * jobs), 16), _MOST_IN_A_CHUNK)
    made: list[Chunk] = []
    current: list[Place] = []
    size = 0
    for place in largest_first:
        if current and (len(current) == most or size + place.size > _LARGE):
            made.append(tuple(current))
            current, size = [], 0
        current.append(place)
        size += place.size
    return [*made, tuple(current)] if current else made


@dataclass(slots=True)
class _Worker:
    """One running worker and the files it still owes."""

    channel: int
    """Where its answers come from."""
    wait: Callable[[], int]
    """Waits for its end; answers the exit status, negative for a signal."""
    process: int
    limits: Limits
    left: deque[Place]
    hearing: Hearing
    deadline: float = 0.0
    ended: bool = False
    _why: Text | None = None
    _overdue: bool = False

    def __post_init__(self) -> None:
        self._wait_for_next()

    def hear(self) -> Iterator[FileResult]:
        """Whatever it has to say now: results, or its end, which makes the file it was at incomplete."""
        data = os.read(self.channel, MEBIBYTE)
        if not data:
            yield from self._end()
            return
        try:
            while self.left and (result := self.hearing.feed(data, self.left[0])) is not None:
                data = b""
                yield _checked(self.left.popleft(), result)
                self._wait_for_next()
        except NonsenseError:
            self._why = _NONSENSE
            yield from self._end()

    def end_if_overdue(self) -> None:
        """Kill it when it has been at one file for too long; its end is heard like any other."""
        if time.monotonic() > self.deadline and not self._overdue:
            self._overdue = True
            self._kill()

    def end(self) -> int:
        """Kill it with everything it may have forked, and let go of it; answers how it ended."""
        if self.ended:
            return 0
        self.ended = True
        self._kill()
        os.close(self.channel)
        return self.wait()

    def _kill(self) -> None:
        """It leads a process group of its own, unless it has only just begun."""
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(self.process, signal.SIGKILL)

    def _wait_for_next(self) -> None:
        if self.left:
            self.deadline = time.monotonic() + wall_seconds(self.left[0], self.limits)

    def _end(self) -> Iterator[FileResult]:
        status = self.end()
        if self.left:
            timed_out = self._overdue or status == -signal.SIGXCPU
            why = _TOO_LONG if timed_out else self._why or _ended_early(status)
            yield _incomplete(self.left.popleft(), why, "limit" if timed_out else "reader")


def _ended_early(status: int) -> Text:
    how = signal.Signals(-status).name if status < 0 else str(status)
    return Text(f"its worker ended early ({how})", f"其工作进程提前结束（{how}）")


def _import_reader(kind: str, *, of_use: bool) -> None:
    """Import a reader here, once, instead of in every worker still to come; or because nobody compiled it yet.

    Workers may not write the compiled form, so that without this a fresh installation would compile with every scan.
    """
    with suppress(ImportError):
        if kind in READERS and (of_use or not _is_compiled(READERS[kind][0])):
            reader_of(kind)


@cache
def _is_compiled(module: str) -> bool:
    found = find_spec(f"touchstone.scan.formats.{module}")
    return found is None or found.cached is None or Path(found.cached).exists()


def _checked(place: Place, result: FileResult) -> FileResult:
    """The answer, incomplete when the file is no longer the one that was found, whatever the worker read."""
    if not result.sha256 or (result.size == place.size and still_the_same(place)):
        return result
    changed = Gap(place.shown, "changed", _CHANGED)
    return result if changed in result.gaps else replace(result, gaps=(*result.gaps, changed))


def _incomplete(place: Place, why: Text, code: GapCode) -> FileResult:
    gap = Gap(place.shown, code, why)
    return FileResult(place.shown, place.size, "", "unknown", runs_code=False, gaps=(gap,))


def _start(task: Task) -> _Worker:
    """A new worker: forked, which costs two milliseconds, where that is sound."""
    process, channel, wait = _fork(task) if _may_fork() else _spawn(task)
    return _Worker(channel, wait, process, task.limits, deque(task.places), Hearing(task.limits))


def _may_fork() -> bool:
    """A process with other threads, ours or a library's, must not be copied in the middle of what they do."""
    if sys.platform != "linux":
        return False
    with suppress(OSError):
        return len(list(Path("/proc/self/task").iterdir())) == 1
    return False


def _fork(task: Task) -> tuple[int, int, Callable[[], int]]:
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        _become_worker(task, writes)
    os.close(writes)
    return process, reads, lambda: _status_of(process)


def _status_of(process: int) -> int:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    except ChildProcessError:  # whoever called us lets the kernel reap
        return 0


def _become_worker(task: Task, channel: int) -> NoReturn:
    """In the child: forget everything of the parent, do the work, end without running anybody's exit handlers."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nothing, standard)
        for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
            if descriptor > 2 and descriptor != channel:
                with suppress(OSError):
                    os.close(descriptor)
        work(task, channel)
        status = 0
    finally:
        os._exit(status)


def _spawn(task: Task) -> tuple[int, int, Callable[[], int]]:
    reads, writes = os.pipe()
    process = subprocess.Popen(
        # -P: a folder to be scanned may be the current one, and nothing in it may be imported.
        [sys.executable, "-P", "-m", "touchstone.scan.worker", str(writes)],
        pass_fds=[writes],
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
    )
    os.close(writes)
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(task.to_bytes())
    return process.pid, reads, process.wait
