"""MXNet parameters (`.params`): arrays one after the other, then their names.

Nothing in it runs. Every byte is accounted for; the arrays are not read.

Source: src/ndarray/ndarray.cc (`NDArray::Save`) of https://github.com/apache/mxnet.
"""

from __future__ import annotations

import math
from typing import Final

from touchstone.scan.cursor import Cursor
from touchstone.scan.examination import Examination
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_WITHOUT_STORAGE: Final = 0xF993FAC8
_WITH_STORAGE: Final = frozenset({0xF993FAC9, 0xF993FACA})
"""Marks of an array: of version 1, and of versions 2 and 3, which say how it is stored."""
_AUXILIARY: Final = {0: 0, 1: 1, 2: 2}
"""Arrays of indices that belong to an array stored dense, by rows, and as compressed rows."""
_MOST_DIMENSIONS: Final = 32
_LONGEST_NAME: Final = 64 * 1024
_TYPES: Final = (
    "float32 4, float64 8, float16 2, uint8 1, int32 4, int8 1, int64 8, bool 1, int16 2, uint16 2, uint32 4, "
    "uint64 8, bfloat16 2"
)
_NAME_OF: Final = tuple(entry.split()[0] for entry in _TYPES.split(","))
_BYTES_OF: Final = tuple(int(entry.split()[1]) for entry in _TYPES.split(","))

_Array = tuple[str, tuple[int, ...], Source]


def read_parameters(source: Source, examination: Examination) -> None:
    """Go through all arrays, then give them their names."""
    examination.fact("framework", "mxnet")
    cursor = Cursor(source)
    _, _, count = cursor.numbers("QQQ")
    arrays: list[_Array] = []
    for _ in range(count):
        examination.budget.spend_members(1)
        arrays.append(_array(cursor))
    named = cursor.number("Q")
    if named not in (0, len(arrays)):
        raise Unreadable(Text("has other names than arrays", "名称与数组数量不符"))
    names = [_name(cursor) for _ in range(named)]
    if cursor.left:
        examination.gap(Text(f"{cursor.left} bytes follow the last name", f"最后一个名称之后还有 {cursor.left} 字节"))
    for index, (dtype, shape, data) in enumerate(arrays):
        name = names[index] if index < len(names) else f"array {index}"
        examination.tensor(name, dtype, shape, data)
        look_at_beginning(data, name, data.file_offset, examination)
    examination.fact("parameters", str(sum(math.prod(shape) for _, shape, _ in arrays)))


def _array(cursor: Cursor) -> _Array:
    """One array, with the indices that say where its values belong when it is not dense."""
    mark = cursor.number("I")
    if mark != _WITHOUT_STORAGE and mark not in _WITH_STORAGE:
        raise _damaged(cursor)
    storage = cursor.number("i") if mark in _WITH_STORAGE else 0
    if storage not in _AUXILIARY:
        raise _damaged(cursor)
    stored = _shape(cursor) if storage else None
    shape = _shape(cursor)
    if not shape:
        return "none", (), cursor.part(0)
    cursor.skip(8)
    dtype = cursor.number("i")
    indices = [(cursor.number("i"), _shape(cursor)) for _ in range(_AUXILIARY[storage])]
    data = _values(cursor, dtype, shape if stored is None else stored)
    for kind, index_shape in indices:
        _values(cursor, kind, index_shape)
    return _NAME_OF[dtype], shape if stored is None else stored, data


def _values(cursor: Cursor, dtype: int, shape: tuple[int, ...]) -> Source:
    if not 0 <= dtype < len(_NAME_OF):
        raise _damaged(cursor)
    return cursor.part(math.prod(shape) * _BYTES_OF[dtype])


def _shape(cursor: Cursor) -> tuple[int, ...]:
    dimensions = cursor.number("I")
    if dimensions > _MOST_DIMENSIONS:
        raise _damaged(cursor)
    shape: tuple[int, ...] = cursor.numbers(f"{dimensions}q")
    if any(size < 0 for size in shape):
        raise _damaged(cursor)
    return shape


def _name(cursor: Cursor) -> str:
    length = cursor.number("Q")
    if length > _LONGEST_NAME:
        raise _damaged(cursor)
    return cursor.take(length).decode("utf-8", "replace")


def _damaged(cursor: Cursor) -> Unreadable:
    return Unreadable(Text(f"has no array of a known kind at {cursor.at}", f"偏移 {cursor.at} 处不是已知格式的数组"))
