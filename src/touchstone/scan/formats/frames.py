"""LZ4 and Zstandard frames in a row, with those between them that decompressors go over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from touchstone.scan.cursor import Cursor
from touchstone.scan.formats import lz4, zstd
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""The magic numbers of frames to go over are 0x184D2A50 to 0x184D2A5F, in both formats."""
_MOST_SKIPPED: Final = 1000


class Frames:
    """Iterates over what all frames of a source unpack to."""

    def __init__(self, source: Source, magic: bytes, unpack_frame: Callable[[Cursor], Iterator[bytes]]) -> None:
        self._cursor = Cursor(source)
        self._magic = magic
        self._unpack_frame = unpack_frame
        self.stop = 0
        """Where the last frame ends."""
        self.skipped: list[Source] = []
        """What lies in frames that decompressors go over."""

    def __iter__(self) -> Iterator[bytes]:
        cursor = self._cursor
        while cursor.left >= len(self._magic):
            magic = cursor.take(len(self._magic))
            if magic == self._magic:
                yield from self._unpack_frame(cursor)
                yield b""  # lets the time be checked, however many empty frames there are
            elif magic[1:] == _SKIPPABLE and magic[0] >> 4 == 5:
                if len(self.skipped) == _MOST_SKIPPED:
                    raise Unreadable(Text("has too many frames to go over", "可跳过的帧过多"))
                self.skipped.append(cursor.part(cursor.number("I")))
            else:
                return
            self.stop = cursor.at


def lz4_frames(source: Source) -> Frames:
    """What a file of LZ4 frames unpacks to."""
    return Frames(source, lz4.MAGIC, lz4.unpack_frame)


def zstd_frames(source: Source) -> Frames:
    """What a file of Zstandard frames unpacks to."""
    return Frames(source, zstd.MAGIC, zstd.unpack_frame)
