"""Weights beside a Core ML model (`weights/weight.bin`): blobs, each behind a small header.

Nothing in it runs. Every byte is accounted for; the blobs are not read.

Source: coremltools, mlmodel/src/MILBlob/Blob/StorageFormat.hpp.
"""

from __future__ import annotations

import struct
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.spans import is_zero
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_HEADER: Final = 64
"""Bytes of the header of the file, and of that of a blob; everything begins at a multiple of it."""
_SENTINEL: Final = 0xDEADBEEF
_TYPES: Final = {
    1: "float16",
    2: "float32",
    3: "uint8",
    4: "int8",
    5: "bfloat16",
    6: "int16",
    7: "uint16",
    8: "int4",
    9: "uint1",
    10: "uint2",
    11: "uint4",
    12: "uint3",
    13: "uint6",
    14: "int32",
    15: "uint32",
    16: "float8e4m3fn",
    17: "float8e5m2",
}


def read_weights(source: Source, examination: Examination) -> None:
    """Follow the blobs from one to the next."""
    count, _ = struct.unpack("<II", source.read(0, 8))
    _check_padding(source, 8, _HEADER)
    position = _HEADER
    for index in range(count):
        examination.budget.spend_opcodes(1)
        header = source.read(position, _HEADER)
        if len(header) < _HEADER:
            raise Unreadable(Text(f"ends before blob {index} of {count}", f"在第 {index} 个数据块之前截断"))
        sentinel, kind, size, offset = struct.unpack_from("<IIQQ", header)
        if (
            sentinel != _SENTINEL
            or kind not in _TYPES
            or any(header[32:])
            or not position + _HEADER <= offset <= source.size - size
        ):
            raise Unreadable(Text(f"has no blob at {position}", f"偏移 {position} 处不是数据块"))
        _check_padding(source, position + _HEADER, offset)
        data = source.part(offset, size)
        examination.tensor(f"blob at {position}", _TYPES[kind], (size,), data)
        look_at_beginning(data, f"blob at {position}", offset, examination)
        position = min(-(-(offset + size) // _HEADER) * _HEADER, source.size)
        _check_padding(source, offset + size, position)
    _check_padding(source, position, source.size)


def _check_padding(source: Source, start: int, end: int) -> None:
    """Between blobs there is nothing."""
    if not is_zero(source.part(start, end - start)):
        raise Unreadable(Text(f"has bytes at {start} that belong to no blob", f"偏移 {start} 处的字节不属于任何数据块"))
