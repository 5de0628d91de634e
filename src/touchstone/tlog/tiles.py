"""The tree and the entries in files of 256 (C2SP tlog-tiles), as any web server can publish them.

    tile/0/x001/x234/067          256 leaf hashes; level 1 holds the roots of the tiles of level 0, and so on
    tile/0/x001/x234/068.p/17     the last tile while it is not full: 17 hashes so far
    tile/entries/x001/x234/067    the 256 entries themselves, each behind its length (16 bits, big endian)

Full tiles never change. Everything is read with its expected size, so a file can be missing or wrong, never large.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from touchstone.tlog import merkle
from touchstone.tlog.durable import read_regular
from touchstone.tlog.errors import TlogError

WIDTH = 256
LARGEST_ENTRY = 2**16 - 1
_LARGEST_BUNDLE = WIDTH * (LARGEST_ENTRY + 2)
_LENGTH = struct.Struct(">H")

ENTRIES = "entries"
"""Stands in for the level in the paths of entry bundles."""


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Path of a tile below the log's folder.

    >>> tile_path(0, 1234067), tile_path("entries", 5, 17)
    ('tile/0/x001/x234/067', 'tile/entries/005.p/17')
    """
    elements = [f"{number % 1000:03}"]
    while number := number // 1000:
        elements.append(f"x{number % 1000:03}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(elements))}{partial}"


def width_of(level: int, number: int, size: int) -> int:
    """How many hashes a tile holds when the log has `size` entries."""
    return max(0, min(WIDTH, (size >> (8 * level)) - number * WIDTH))


def levels(size: int) -> int:
    """How many levels of tiles a log of `size` entries has."""
    count = 0
    while size >> (8 * count):
        count += 1
    return count


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """A bundle of entries. Raises `TlogError` for one that is too long."""
    if any(len(entry) > LARGEST_ENTRY for entry in entries):
        raise TlogError("is longer than the 65535 bytes an entry may have", ENTRIES)
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def unpack_entries(bundle: bytes, count: int, where: str) -> list[bytes]:
    """The `count` entries of a bundle. Raises `TlogError` naming `where` when it holds fewer or more."""
    entries: list[bytes] = []
    position = 0
    while len(entries) < count:
        start = position + 2
        if start > len(bundle):
            raise TlogError("ends before its last entry", where)
        (length,) = _LENGTH.unpack_from(bundle, position)
        position = start + length
        if position > len(bundle):
            raise TlogError("ends before its last entry", where)
        entries.append(bundle[start:position])
    if position != len(bundle):
        raise TlogError("goes on behind its last entry", where)
    return entries


class Tiles:
    """The tiles of a log of one size, read as they are needed and kept for the life of this object."""

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self._folder = folder
        self._read: dict[tuple[int, int], bytes] = {}

    def edge(self) -> list[list[bytes]]:
        """For every level the hashes that no full tile holds yet: all that is needed to go on appending."""
        result = []
        for level in range(levels(self.size)):
            count = self.size >> (8 * level)
            tile = self._tile(level, count // WIDTH) if count % WIDTH else b""
            result.append([tile[at : at + 32] for at in range(0, len(tile), 32)])
        return result

    def root(self) -> bytes:
        """The root, from the tiles at the right edge alone."""
        return edge_root(self.edge())

    def full(self, level: int, number: int) -> list[bytes]:
        """The hashes of a full tile."""
        tile = self._tile(level, number)
        return [tile[at : at + 32] for at in range(0, len(tile), 32)]

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Inclusion proof of an entry, bottom first. Raises `IndexError` when there is none at `index`."""
        return merkle.inclusion_proof(index, self.size, self._hash)

    def consistency_proof(self, first: int) -> list[bytes]:
        """Proof that this tree only adds to the one of its first `first` entries (at least one)."""
        return merkle.consistency_proof(first, self.size, self._hash)

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """The entries from `start` on, as they lie in the bundles: whether they add up is another question."""
        for number in range(start // WIDTH, -(-self.size // WIDTH)):
            width = width_of(0, number, self.size)
            path, held, bundle = self._file(ENTRIES, number, width, _LARGEST_BUNDLE)
            entries = unpack_entries(bundle, held, path)[:width]
            yield from entries[max(0, start - number * WIDTH) :]

    def _hash(self, start: int, end: int) -> bytes:
        return merkle.range_hash(start, end, self._perfect)

    def _perfect(self, start: int, end: int) -> bytes:
        """Hash of a perfect subtree: from the lowest tile level that has at most 256 hashes of it."""
        height = (end - start).bit_length() - 1
        level, inner = divmod(height, 8)
        first = start >> (8 * level)
        number, offset = divmod(first, WIDTH)
        tile = self._tile(level, number)
        return merkle.root([tile[at * 32 : at * 32 + 32] for at in range(offset, offset + (1 << inner))])

    def _tile(self, level: int, number: int) -> bytes:
        tile = self._read.get((level, number))
        if tile is None:
            width = width_of(level, number, self.size)
            path, held, data = self._file(level, number, width, WIDTH * merkle.HASH_BYTES)
            if len(data) != held * merkle.HASH_BYTES:
                raise TlogError("has the wrong length for a tile", path)
            tile = self._read[level, number] = data[: width * merkle.HASH_BYTES]
        return tile

    def _file(self, level: int | str, number: int, width: int, largest: int) -> tuple[str, int, bytes]:
        """Path, width and bytes of a tile: the partial one of that width, or the full one that has replaced it."""
        for held in dict.fromkeys((width, WIDTH)):
            path = self._folder / tile_path(level, number, held)
            try:
                return str(path), held, read_regular(path, largest)
            except FileNotFoundError:
                continue
        raise TlogError("is missing", str(self._folder / tile_path(level, number, width)))


def edge_root(edge: Sequence[Sequence[bytes]]) -> bytes:
    """The root of the tree whose tiles at the right edge hold these hashes, lowest level first."""
    carried: list[bytes] = []
    for hashes in edge:
        carried = [merkle.root([*hashes, *carried])] if hashes or carried else []
    return carried[0] if carried else merkle.EMPTY_ROOT


def grow(edge: list[list[bytes]], leaf: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Add a leaf hash to the edge, yielding every tile that it fills: its level and its hashes."""
    level, carried = 0, leaf
    while True:
        if level == len(edge):
            edge.append([])
        edge[level].append(carried)
        if len(edge[level]) < WIDTH:
            return
        full, edge[level] = edge[level], []
        yield level, full
        level, carried = level + 1, merkle.root(full)
