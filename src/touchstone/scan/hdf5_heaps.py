"""HDF5 heaps: where names and values of any length lie.

Source: HDF5 File Format Specification III.D (local heap), III.E (global heap), III.G (fractal heap).
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.cursor import Cursor
from touchstone.scan.hdf5_objects import Extent, Hdf5File, damaged
from touchstone.scan.hdf5_trees import records_of
from touchstone.scan.source import MemorySource

LARGEST_VALUE: Final = 32 * 2**20
_MOST_ROWS: Final = 64
_MOST_COLLECTIONS: Final = 64
"""Global heap collections whose tables are kept; more are read again when needed."""


class LocalHeap:
    """Names of an old-style group (III.D)."""

    def __init__(self, file: Hdf5File, at: int) -> None:
        cursor = file.signed(at, b"HEAP")
        cursor.skip(4)
        self._size = file.length(cursor)
        cursor.skip(file.length_width)
        self._start = file.defined(cursor)
        self._file = file
        file.use(at, cursor.at - at)

    def text(self, offset: int, longest: int = 65_536) -> str:
        """The zero-terminated text at an offset."""
        if not 0 <= offset < self._size:
            raise damaged("has a name outside its heap", "名称位于堆之外")
        data = self._file.source.read(self._start + offset, min(longest, self._size - offset))
        text, end, _ = data.partition(b"\x00")
        if not end:
            raise damaged("has a name without an end", "名称没有结尾")
        self._file.use(self._start + offset, len(text) + 1)
        return text.decode("utf-8", "replace")


def global_heap_object(file: Hdf5File, at: int, index: int) -> bytes:
    """Object number `index` of the global heap collection at a place (III.E)."""
    if at not in file.heap_collections:
        if len(file.heap_collections) >= _MOST_COLLECTIONS:
            file.heap_collections.clear()
        file.heap_collections[at] = _collection(file, at)
    if index not in file.heap_collections[at]:
        raise damaged("names a value that is not in its heap", "引用的值不在堆中")
    start, length = file.heap_collections[at][index]
    if length > LARGEST_VALUE:
        raise damaged("has a value that is too large to read", "值过大，无法读取")
    file.use(start, length)
    return file.cursor(start).take(length)


def _collection(file: Hdf5File, at: int) -> dict[int, Extent]:
    cursor = file.signed(at, b"GCOL")
    cursor.skip(4)
    cursor.end = min(at + file.length(cursor), file.source.size)
    objects: dict[int, Extent] = {}
    while cursor.left >= 8 + file.length_width:
        number = cursor.number("H")
        cursor.skip(6)
        length = file.length(cursor)
        if number == 0:
            break
        file.budget.check_time()
        objects.setdefault(number, (cursor.at, length))
        cursor.skip(min(length + -length % 8, cursor.left))
    return objects


class FractalHeap:
    """Links and attributes of objects that have many of them (III.G)."""

    def __init__(self, file: Hdf5File, at: int) -> None:
        cursor = file.signed(at, b"FRHP")
        version, _id_length, filters, self._flags, largest_object = cursor.numbers("BHHBI")
        if version != 0 or filters:
            raise damaged("has a heap that is compressed or of unknown version", "堆被压缩或版本未知")
        cursor.skip(file.length_width)
        self._huge_tree = file.address(cursor)
        cursor.skip(file.length_width + file.offset_width + 8 * file.length_width)
        self._width: int = cursor.number("H")
        self._starting_size = file.length(cursor)
        self._largest_direct = file.length(cursor)
        self._offset_bits, _ = cursor.numbers("HH")
        self._root = file.address(cursor)
        self._rows = cursor.number("H")
        self._file = file
        self._huge: dict[int, tuple[int, int]] | None = None
        file.use(at, cursor.at + 4 - at)
        if not (0 < self._width <= 4096 and 0 < self._starting_size <= self._largest_direct <= 2**31):
            raise damaged("has a heap of impossible shape", "堆的结构不合法")
        if not 0 < self._offset_bits <= 64 or self._rows > _MOST_ROWS:
            raise damaged("has a heap of impossible shape", "堆的结构不合法")
        self._block_offset_width = -(-self._offset_bits // 8)
        self._length_width = min(-(-_log2(self._largest_direct) // 8), _log2(largest_object) // 8 + 1)

    def object(self, identifier: bytes) -> tuple[bytes, int]:
        """One object by its heap identifier, and its place in the file (III.G.5)."""
        kind = identifier[0] >> 4 & 3
        if kind == 0:
            return self._managed(identifier)
        if kind == 1:
            return self._read(*self._huge_extent(identifier))
        return identifier[1 : 2 + (identifier[0] & 15)], -1

    def _managed(self, identifier: bytes) -> tuple[bytes, int]:
        width = self._block_offset_width
        offset = int.from_bytes(identifier[1 : 1 + width], "little")
        length = int.from_bytes(identifier[1 + width : 1 + width + self._length_width], "little")
        start, size, begin = self._direct_block(offset)
        if offset - begin + length > size:
            raise damaged("has a heap object that crosses its block", "堆对象越过所在的块")
        return self._read(start + offset - begin, length)

    def _read(self, at: int, length: int) -> tuple[bytes, int]:
        if length > LARGEST_VALUE:
            raise damaged("has a value that is too large to read", "值过大，无法读取")
        return self._file.cursor(at).take(length), at

    def _huge_extent(self, identifier: bytes) -> tuple[int, int]:
        """Place and length of an object too large for a block: in the identifier, or in a tree of its own."""
        file = self._file
        if len(identifier) > file.offset_width + file.length_width:
            cursor = Cursor(MemorySource(identifier[1:]))
            return file.defined(cursor), file.length(cursor)
        if self._huge is None:
            self._huge = {}
            if self._huge_tree is not None:
                for record in records_of(file, self._huge_tree):
                    cursor = Cursor(MemorySource(record))
                    extent = file.defined(cursor), file.length(cursor)
                    self._huge[file.length(cursor)] = extent
        number = int.from_bytes(identifier[1:], "little")
        if number not in self._huge:
            raise damaged("names a value that is not in its heap", "引用的值不在堆中")
        file.use(*self._huge[number])
        return self._huge[number]

    # ---- blocks: a table whose rows double in size (III.G.4)

    def _row_size(self, row: int) -> int:
        return self._starting_size << max(row - 1, 0)

    def _direct_block(self, offset: int) -> tuple[int, int, int]:
        """Place, size and heap offset of the direct block that holds a heap offset."""
        if self._root is None:
            raise damaged("has an empty heap that is used", "空堆被引用")
        if self._rows == 0:
            return self._begin_block(self._root, self._starting_size, 0)
        return self._in_indirect(self._root, self._rows, 0, offset)

    def _in_indirect(self, at: int, rows: int, begin: int, offset: int) -> tuple[int, int, int]:
        file = self._file
        for _ in range(_MOST_ROWS):
            head = 5 + file.offset_width + self._block_offset_width
            file.signed(at, b"FHIB")
            file.use(at, head + rows * self._width * file.offset_width + 4)
            row, column, block = self._entry(rows, offset - begin)
            begin += block
            child = file.defined(file.cursor(at + head + (row * self._width + column) * file.offset_width))
            if self._row_size(row) <= self._largest_direct:
                return self._begin_block(child, self._row_size(row), begin)
            at, rows = child, self._rows_of_indirect(self._row_size(row))
        raise damaged("has a heap that is nested too deeply", "堆嵌套过深")

    def _entry(self, rows: int, offset: int) -> tuple[int, int, int]:
        """Row and column of the block that holds an offset, and the offset at which that block begins."""
        reached = 0
        for row in range(rows):
            size = self._row_size(row)
            if offset < reached + size * self._width:
                column = (offset - reached) // size
                return row, column, reached + column * size
            reached += size * self._width
        raise damaged("has a heap object outside its heap", "堆对象位于堆之外")

    def _rows_of_indirect(self, size: int) -> int:
        return max((size // (self._starting_size * self._width)).bit_length(), 1)

    def _begin_block(self, at: int, size: int, begin: int) -> tuple[int, int, int]:
        self._file.signed(at, b"FHDB")
        self._file.use(at, size)
        return at, size, begin


def _log2(number: int) -> int:
    return max(number.bit_length() - 1, 0)
