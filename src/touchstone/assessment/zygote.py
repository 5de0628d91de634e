"""A process that has imported the heavy libraries once and forks a fresh worker for every check.

Forking costs milliseconds where a new interpreter costs seconds. The zygote itself never reads anything of a
subject, so a worker cannot reach the next one through it. It speaks fixed-size words with its parent:

    parent → zygote   job number, with one socket attached: fork a worker that serves it
    zygote → parent   what happened (started, ended), job number, process id, exit status, cpu µs, peak memory

It ends when its parent closes the control socket or dies; its workers then die with it.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple

JOB = struct.Struct("<q")
NEWS = struct.Struct("<qqqqqq")
STARTED, ENDED = 0, 1


class News(NamedTuple):
    """One word from the zygote."""

    what: int
    job: int
    process: int
    status: int
    """As `os.waitstatus_to_exitcode`: negative for a signal."""
    cpu_us: int
    peak_memory_bytes: int


def main() -> None:
    """Serve jobs that arrive on the inherited socket; arguments: its number, then libraries to import first."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _import_first(sys.argv[2:])
    _Zygote(control).run()


def _import_first(libraries: Sequence[str]) -> None:
    from touchstone.assessment import worker  # noqa: F401
    from touchstone.checks.registry import installed_checks

    installed_checks()
    for library in libraries:
        with suppress(ImportError):  # a check that needs it will say so
            import_module(library)


class _Zygote:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.jobs: dict[int, int] = {}
        self.wake_read, self.wake_write = socket.socketpair()
        self.wake_read.setblocking(False)
        self.wake_write.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_write.fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.wake_read, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.wake_read:
                        self._drain_wake_ups()
                    elif not self._fork_next():
                        return
                self._reap()

    def _drain_wake_ups(self) -> None:
        try:
            while self.wake_read.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _fork_next(self) -> bool:
        word, descriptors, _, _ = socket.recv_fds(self.control, JOB.size, 1)
        if len(word) < JOB.size or not descriptors:
            return False
        (job,) = JOB.unpack(word)
        process = os.fork()
        if process == 0:
            self._become_worker(descriptors[0])
        os.close(descriptors[0])
        self.jobs[process] = job
        self.control.sendall(NEWS.pack(STARTED, job, process, 0, 0, 0))
        return True

    def _become_worker(self, descriptor: int) -> None:
        """In the child: forget the zygote, do the work, end without running anybody's exit handlers."""
        from touchstone.assessment.worker import serve

        status = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for inherited in (self.control, self.wake_read, self.wake_write):
                inherited.close()
            with socket.socket(fileno=descriptor) as channel:
                serve(channel)
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        while self.jobs:
            process, status, usage = os.wait4(-1, os.WNOHANG)
            if process == 0:
                return
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process, signal.SIGKILL)  # whatever the worker forked ends with it
            cpu = int((usage.ru_utime + usage.ru_stime) * 1_000_000)
            peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            code = os.waitstatus_to_exitcode(status)
            self.control.sendall(NEWS.pack(ENDED, self.jobs.pop(process), process, code, cpu, peak))


if __name__ == "__main__":
    main()
