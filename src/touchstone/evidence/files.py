"""Reading files that may be hostile, and writing files that must survive a power cut."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.files import FileError, open_regular
from touchstone.text import Text
from touchstone.tlog.durable import flush_folder


def read_regular(path: Path, where: str, *, largest: int) -> bytes:
    """The bytes of a regular file of at most `largest` bytes.

    Never follows a link and never blocks. Raises `EvidenceError` naming `where` otherwise.
    """
    if path.is_symlink():
        raise EvidenceError(Text("is a link, not a file", "是链接而不是文件"), where)
    try:
        with open_regular(path, where) as file:
            data = file.read(largest + 1)
    except FileError as error:
        raise EvidenceError(error.what, where, error.remedy) from None
    if len(data) > largest:
        raise EvidenceError(Text(f"is larger than {largest} bytes", f"大于 {largest} 字节"), where)
    return data


def write_durably(path: Path, data: bytes) -> None:
    """Create or replace a file atomically: after a crash it holds the old bytes or the new ones, never a mix."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)
