"""Bytes with random access, wherever they lie: a file, a part of one, or unpacked in memory.

Readers never hold a file: they ask for the few bytes they need. `read` answers fewer bytes than asked at the end,
like a file, and never raises for a place that does not exist.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final

from touchstone.text import Text

WINDOW: Final = 256 * 1024


class Unreadable(Exception):  # noqa: N818 - ends a reading, is not an error of ours
    """Ends the reading of one part: why it could not be understood. Becomes a gap."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


class Source(ABC):
    """Bytes of known number, read at any place."""

    size: int
    file_offset: int = -1
    """Where these bytes begin in the file on disk; -1 when they were unpacked and lie nowhere in it."""

    @abstractmethod
    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`; fewer at the end, none beyond it or before the beginning."""

    def part(self, start: int, length: int) -> Source:
        """The bytes from `start`, at most `length`, as a source of their own."""
        start = min(max(start, 0), self.size)
        return _Part(self, start, min(max(length, 0), self.size - start))

    def whole(self, most: int) -> bytes:
        """All bytes. Raises `Unreadable` when there are more than `most`."""
        if self.size > most:
            raise Unreadable(Text(f"is larger than {most} bytes", f"超过 {most} 字节"))
        return self.read(0, self.size)

    def windows(self, length: int = WINDOW) -> Iterator[bytes]:
        """All bytes, one piece after the other."""
        for start in range(0, self.size, length):
            yield self.read(start, length)


class MemorySource(Source):
    """Bytes that are in memory already."""

    def __init__(self, data: bytes | memoryview, file_offset: int = -1) -> None:
        self.size = len(data)
        self.file_offset = file_offset
        self._data = data

    def read(self, start: int, length: int) -> bytes:
        if start < 0 or length <= 0:
            return b""
        return bytes(self._data[start : start + length])


class FileSource(Source):
    """An open regular file, read without moving its position, so that several readers can share it."""

    def __init__(self, descriptor: int, size: int, file_offset: int = -1) -> None:
        self.size = size
        self.file_offset = file_offset
        self._descriptor = descriptor

    def read(self, start: int, length: int) -> bytes:
        if start < 0 or length <= 0 or start >= self.size:
            return b""
        wanted = min(length, self.size - start)
        data = os.pread(self._descriptor, wanted, start)
        while len(data) < wanted:
            more = os.pread(self._descriptor, wanted - len(data), start + len(data))
            if not more:
                break
            data += more
        return data


class _Part(Source):
    _parent: Source
    _start: int

    def __init__(self, parent: Source, start: int, length: int) -> None:
        self.size = length
        if isinstance(parent, _Part):
            self._parent, self._start = parent._parent, parent._start + start
        else:
            self._parent, self._start = parent, start
        if parent.file_offset >= 0:
            self.file_offset = parent.file_offset + start

    def read(self, start: int, length: int) -> bytes:
        if start < 0 or start >= self.size:
            return b""
        return self._parent.read(self._start + start, min(length, self.size - start))
