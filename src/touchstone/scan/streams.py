"""One compressed stream, unpacked piece by piece in bounded memory, with the place where it ended.

The decompressors of the standard library are driven by one loop here, so that archives and compressed files share
its guarantees: no piece is larger than `PIECE`, no header makes us allocate what it claims, and a damaged stream
still gives everything before the damage.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from touchstone.scan.budget import MEBIBYTE
from touchstone.scan.source import WINDOW, Source, Unreadable
from touchstone.text import Text

PIECE: Final = MEBIBYTE
_FIRST_WINDOW: Final = 16 * 1024
"""Bytes read at first, then twice as many each time: a file may consist of many small streams."""
LARGEST_DICTIONARY: Final = 128 * MEBIBYTE
"""Memory an LZMA stream may ask its reader for; `xz -9` needs 65 MiB."""


class Decompressor(Protocol):
    """What `bz2.BZ2Decompressor` and `lzma.LZMADecompressor` offer."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Stream:
    """Iterates over what one stream unpacks to. Raises `Unreadable` where it is damaged or ends too early."""

    def __init__(self, decompressor: Decompressor, source: Source, start: int = 0, most: int | None = None) -> None:
        self._decompressor = decompressor
        self._source = source
        self._window = _FIRST_WINDOW
        self._left = most
        """Bytes still wanted, for streams that do not mark their end."""
        self.stop = start
        """How far the stream reaches in its source, once all of it was read."""

    def __iter__(self) -> Iterator[bytes]:
        while not self._ended():
            asked = self._decompressor.needs_input
            block = self._source.read(self.stop, self._window) if asked else b""
            self.stop += len(block)
            self._window = min(2 * self._window, WINDOW)
            piece = self._decompress(block)
            if piece:
                yield piece
            elif not block and not self._ended() and (asked or not self._decompressor.needs_input):
                raise Unreadable(Text("the compressed data end too early", "压缩数据不完整"))
        self.stop -= len(self._decompressor.unused_data)

    def _ended(self) -> bool:
        return self._decompressor.eof or self._left == 0

    def _decompress(self, block: bytes) -> bytes:
        try:
            piece = self._decompressor.decompress(block, PIECE if self._left is None else min(PIECE, self._left))
        except _damage() as damage:
            raise Unreadable(Text("the compressed data are damaged", "压缩数据已损坏")) from damage
        if self._left is not None:
            self._left -= len(piece)
        return piece


def _damage() -> tuple[type[Exception], ...]:
    """What the decompressors raise on damaged data. Asked for only when something was raised."""
    import lzma

    return zlib.error, lzma.LZMAError, OSError, EOFError, ValueError


class Inflater:
    """`zlib.decompressobj` with the interface of the other decompressors."""

    def __init__(self, window_bits: int) -> None:
        self._inflater = zlib.decompressobj(window_bits)
        self._waiting = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        most = max(max_length, 0)
        piece = self._inflater.decompress(self._waiting + data, most)
        self._waiting = self._inflater.unconsumed_tail
        # A full piece means that zlib may hold back output of bytes it has taken already.
        self.needs_input = not self._waiting and (most == 0 or len(piece) < most)
        return piece


RAW_DEFLATE: Final = -15
ZLIB: Final = 15
GZIP: Final = 31


def bzip2() -> Decompressor:
    """A decompressor of one bzip2 stream."""
    import bz2

    return bz2.BZ2Decompressor()


def xz_or_lzma() -> Decompressor:
    """A decompressor of one `.xz` or `.lzma` stream."""
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=LARGEST_DICTIONARY)


def raw_lzma(properties: bytes, unpacked: int, *filters: dict[str, int]) -> Decompressor:
    """LZMA without a header, as in zip and 7z: five bytes of properties (LZMA specification, "Properties").

    `filters` are applied to what was unpacked, the last one first. The dictionary never needs to be larger than the
    output. Raises `Unreadable` when it would be too large for us.
    """
    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise Unreadable(Text("has wrong LZMA properties", "LZMA 属性无效"))
    rest, literal_context = divmod(properties[0], 9)
    position, literal_position = divmod(rest, 5)
    import lzma

    dictionary = _bounded_dictionary(int.from_bytes(properties[1:5], "little"), unpacked)
    return _raw(
        *filters,
        {
            "id": lzma.FILTER_LZMA1,
            "dict_size": dictionary,
            "lc": literal_context,
            "lp": literal_position,
            "pb": position,
        },
    )


def raw_lzma2(properties: bytes, unpacked: int, *filters: dict[str, int]) -> Decompressor:
    """LZMA2 without a container."""
    if len(properties) != 1 or properties[0] > 40:
        raise Unreadable(Text("has wrong LZMA2 properties", "LZMA2 属性无效"))
    import lzma

    bits = properties[0]
    claimed = 2**32 - 1 if bits == 40 else (2 | (bits & 1)) << (bits // 2 + 11)
    return _raw(*filters, {"id": lzma.FILTER_LZMA2, "dict_size": _bounded_dictionary(claimed, unpacked)})


def _bounded_dictionary(claimed: int, unpacked: int) -> int:
    needed = max(min(claimed, unpacked), 4096)
    if needed > LARGEST_DICTIONARY:
        raise Unreadable(Text("needs too large a dictionary to unpack", "解包所需字典过大"))
    return needed


def _raw(*filters: dict[str, int]) -> Decompressor:
    import lzma

    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=list(filters))
    except (lzma.LZMAError, ValueError) as wrong:
        raise Unreadable(Text("has wrong LZMA properties", "LZMA 属性无效")) from wrong
