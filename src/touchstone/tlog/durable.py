"""Writing files that readers see whole or not at all, and reading files that somebody else may have put there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from touchstone.tlog.errors import TlogError

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_regular(path: Path, largest: int) -> bytes:
    """The bytes of a regular file, one more than `largest` at most. Never waits, as it would for a pipe.

    Raises `FileNotFoundError` when there is none, and `TlogError` when it is anything else.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except (OSError, ValueError):
        raise TlogError("cannot be read", str(path)) from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise TlogError("is not a regular file", str(path))
        return file.read(largest + 1)


def replace(path: Path, data: bytes, *, flush: bool) -> None:
    """Create or replace a file in one step. With `flush` its bytes are on the disk before it gets its name.

    For a single writer: the name of the temporary file is fixed. Flush the folder for the name itself.
    """
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(data)
        if flush:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files they name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
