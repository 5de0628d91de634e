"""Unpacked bytes with random access: in memory while they are few, else in a temporary file without a name.

The file is unlinked before the first byte is written, so that nothing of a hostile archive is ever left on disk, and
it is closed when the last reader lets go of it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from touchstone.scan.budget import MEBIBYTE, Budget, LimitReached
from touchstone.scan.findings import GapCode
from touchstone.scan.source import FileSource, MemorySource, Source, Unreadable
from touchstone.text import Text

IN_MEMORY: Final = 16 * MEBIBYTE


class Unpacked(NamedTuple):
    """What came out of a compressed stream, and why it ended early if it did."""

    data: Source
    checksum: int
    """CRC-32 of the data."""
    problem: Text | None = None
    code: GapCode = "damaged"


def unpack(pieces: Iterable[bytes], budget: Budget) -> Unpacked:
    """Collect the pieces of a stream that is being unpacked. What came before a fault or a limit is kept."""
    spool = _Spool()
    checksum = 0
    problem: Text | None = None
    code: GapCode = "damaged"
    try:
        for piece in pieces:
            spool.write(piece)
            checksum = zlib.crc32(piece, checksum)
            budget.spend_unpacked(len(piece))
    except LimitReached as limit:
        problem, code = limit.why, "limit"
    except Unreadable as unreadable:
        problem = unreadable.why
    except OSError:
        problem, code = Text("cannot be unpacked into a temporary file", "无法解包到临时文件"), "limit"
    return Unpacked(spool.source(), checksum, problem, code)


class _Spool:
    """Takes bytes at the end, answers them as a source."""

    def __init__(self) -> None:
        self._memory = bytearray()
        self._file: _UnnamedFile | None = None

    def write(self, data: bytes) -> None:
        if self._file is None and len(self._memory) + len(data) > IN_MEMORY:
            self._file = _UnnamedFile()
            self._file.write(self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += data
        else:
            self._file.write(data)

    def source(self) -> Source:
        return MemorySource(memoryview(self._memory)) if self._file is None else _UnnamedFileSource(self._file)


class _UnnamedFile:
    """A temporary file that is in no directory."""

    def __init__(self) -> None:
        import tempfile
        import weakref

        self.descriptor, path = tempfile.mkstemp(prefix="touchstone-")
        weakref.finalize(self, os.close, self.descriptor)
        os.unlink(path)  # noqa: PTH108 - the name goes before anything is written
        self.size = 0

    def write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self.descriptor, view)
            self.size += written
            view = view[written:]


class _UnnamedFileSource(FileSource):
    """Keeps its file open for as long as somebody reads from it."""

    def __init__(self, file: _UnnamedFile) -> None:
        super().__init__(file.descriptor, file.size)
        self._file = file
