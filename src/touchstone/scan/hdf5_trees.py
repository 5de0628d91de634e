"""HDF5 B-trees: entries of old-style groups, chunks of data, and the indices of new-style groups.

Source: HDF5 File Format Specification III.A.1 (version 1) and III.A.2 (version 2). A node is visited once; a tree that
leads back to itself ends the reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from touchstone.scan.hdf5_objects import Hdf5File, damaged

_DEEPEST: Final = 32
_MOST_NODES: Final = 1_000_000


class Symbol(NamedTuple):
    """One entry of an old-style group."""

    name: int
    """Offset of its name in the group's heap."""
    object: int | None
    """Place of the object header."""
    soft_link: int | None
    """Offset of a soft link's target in the group's heap."""


class Chunk(NamedTuple):
    """One chunk of a dataset."""

    start: int
    size: int


def symbols_of(file: Hdf5File, tree: int) -> Iterator[Symbol]:
    """All entries of an old-style group."""
    for leaf in _leaves(file, tree, 0, file.length_width):
        yield from _symbols_in(file, leaf)


def chunks_of(file: Hdf5File, tree: int, dimensions: int) -> Iterator[Chunk]:
    """All chunks of a dataset; `dimensions` counts the one of the bytes of an element."""
    key = 8 + 8 * dimensions
    for leaf, size in _nodes(file, tree, 1, key):
        yield Chunk(leaf, size)


def _symbols_in(file: Hdf5File, at: int) -> Iterator[Symbol]:
    """III.B, symbol table nodes."""
    cursor = file.signed(at, b"SNOD")
    version, _, count = cursor.numbers("BBH")
    if version != 1:
        raise damaged("has a group node of unknown version", "组节点版本未知")
    for _ in range(count):
        name, place = file.word(cursor), file.address(cursor)
        kind, _, scratch = cursor.numbers("III")
        cursor.skip(12)
        yield Symbol(name, place, scratch if kind == 2 else None)
    file.use(at, cursor.at - at)


def _leaves(file: Hdf5File, tree: int, kind: int, key: int) -> Iterator[int]:
    for leaf, _ in _nodes(file, tree, kind, key):
        yield leaf


def _nodes(file: Hdf5File, tree: int, kind: int, key: int) -> Iterator[tuple[int, int]]:
    """Places that the leaves of a version 1 tree point to, each with the first four bytes of its key as a number."""
    seen: set[int] = set()
    waiting = [tree]
    while waiting:
        at = waiting.pop()
        if at in seen or len(seen) > _MOST_NODES:
            raise damaged("has a tree that leads back to itself", "树结构存在环路")
        seen.add(at)
        file.budget.check_time()
        cursor = file.signed(at, b"TREE")
        found, level, count = cursor.numbers("BBH")
        if found != kind or level > _DEEPEST:
            raise damaged("has a tree of the wrong kind", "树类型错误")
        cursor.skip(2 * file.offset_width)
        for _ in range(count):
            first = int.from_bytes(cursor.take(key)[:4], "little")
            child = file.defined(cursor)
            if level:
                waiting.append(child)
            else:
                yield child, first
        file.use(at, cursor.at + key - at)


def records_of(file: Hdf5File, header: int) -> Iterator[bytes]:
    """All records of a version 2 tree."""
    cursor = file.signed(header, b"BTHD")
    version, _kind, node_size, record_size, depth = cursor.numbers("BBIHH")
    cursor.skip(2)
    root = file.address(cursor)
    count = cursor.number("H")
    file.use(header, cursor.at + file.length_width + 4 - header)
    if version != 0 or depth > _DEEPEST or record_size == 0 or not 16 <= node_size <= 2**24:
        raise damaged("has an index of impossible shape", "索引结构不合法")
    if root is None:
        return
    counts, totals = _widths(file, node_size, record_size, depth)
    seen: set[int] = set()
    waiting = [(root, count, depth)]
    while waiting:
        at, count, level = waiting.pop()
        if at in seen:
            raise damaged("has an index that leads back to itself", "索引存在环路")
        seen.add(at)
        file.budget.check_time()
        node = file.signed(at, b"BTIN" if level else b"BTLF")
        file.use(at, node_size)
        node.end = min(node.end, at + node_size)
        node.skip(2)
        for _ in range(count):
            yield node.take(record_size)
        for _ in range(count + 1 if level else 0):
            child = file.defined(node)
            below = int.from_bytes(node.take(counts), "little")
            node.skip(totals[level - 1] if level > 1 else 0)
            waiting.append((child, below, level - 1))


def _widths(file: Hdf5File, node_size: int, record_size: int, depth: int) -> tuple[int, list[int]]:
    """Bytes of the number of records in a child node, and for each level of the total number below it."""
    overhead = 10
    most = (node_size - overhead) // record_size
    counts = _bytes_up_to(most)
    totals, total = [0], most
    for _ in range(depth):
        pointer = file.offset_width + counts + totals[-1]
        most = max((node_size - overhead - pointer) // (record_size + pointer), 0)
        total = (most + 1) * total + most
        totals.append(_bytes_up_to(total))
    return counts, totals


def _bytes_up_to(number: int) -> int:
    return max(number.bit_length() - 1, 0) // 8 + 1
