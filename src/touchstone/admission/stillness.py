"""Whether anybody still writes to an item: a scan of bytes that change afterwards says nothing."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """What changes about a file when somebody writes to it."""

    path: str
    inode: int
    size: int
    modified: int
    mode: int


def stamps(item: Path) -> tuple[Stamp, ...]:
    """The stamps of an item's files, folders and links, none of which is followed."""
    return tuple(sorted(_stamps(item)))


def newest(found: tuple[Stamp, ...]) -> int:
    """When something of it was last modified, in nanoseconds of the file system's clock."""
    return max((stamp.modified for stamp in found), default=0)


def written_by_others(item: Path) -> bool:
    """Whether a process has a file of the item open for writing.

    Asked with a read lease (Linux `F_SETLEASE`), which the kernel refuses while there is a writer. Where leases are
    not to be had (another system, a network file system, another owner) the answer is no, and time must tell.
    """
    return any(stat.S_ISREG(stamp.mode) and _has_writer(stamp.path) for stamp in _stamps(item))


def _stamps(item: Path) -> Iterator[Stamp]:
    waiting = [str(item)]
    while waiting:
        path = waiting.pop()
        status = os.lstat(path)
        yield Stamp(path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode)
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(path) as entries:
                waiting.extend(entry.path for entry in entries)


def _has_writer(path: str) -> bool:
    lease = getattr(fcntl, "F_SETLEASE", None)
    if lease is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, lease, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, lease, fcntl.F_UNLCK)
    except OSError as refused:
        return refused.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False
