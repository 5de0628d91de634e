"""Combined parameters of PaddlePaddle (`.pdiparams`): one tensor after the other, without names.

Nothing in it runs. Every byte is accounted for; tensor bytes are not read.

Source: paddle/phi/core/framework/dense_tensor_serialize.cc.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

SIZE_MISMATCH: Final = Rule(
    "paddle/size-mismatch",
    "high",
    "threat",
    Text("A tensor claims a shape that its file has no room for", "张量声明的形状超出文件容量"),
    Text("Export the model again and use that file.", "请重新导出模型并使用新文件。"),
    ("CWE-125", "CWE-789"),
)
RULES: Final[tuple[Rule, ...]] = (SIZE_MISMATCH,)

_TYPES: Final[dict[int, tuple[str, int]]] = {
    0: ("bool", 1),
    1: ("int16", 2),
    2: ("int32", 4),
    3: ("int64", 8),
    4: ("float16", 2),
    5: ("float32", 4),
    6: ("float64", 8),
    19: ("size_t", 8),
    20: ("uint8", 1),
    21: ("int8", 1),
    22: ("bfloat16", 2),
    23: ("complex64", 8),
    24: ("complex128", 16),
    32: ("float8_e4m3fn", 1),
    33: ("float8_e5m2", 1),
}
"""VarType.Type: names and bytes of an element."""
_LONGEST_DESCRIPTION: Final = 4096
_MOST_LEVELS: Final = 64


def read_parameters(source: Source, examination: Examination) -> None:
    """`.pdiparams`: one tensor after the other, without names."""
    examination.fact("framework", "paddlepaddle")
    position, index, parameters = 0, 0, 0
    while position < source.size:
        examination.budget.spend_opcodes(1)
        position, elements = _read_tensor(source, position, index, examination)
        parameters += elements
        index += 1
    examination.fact("parameters", str(parameters))


def _read_tensor(source: Source, position: int, index: int, examination: Examination) -> tuple[int, int]:
    """One tensor: answers where it ends, and how many elements it has."""
    start = position
    version, levels = _numbers(source, position, "<IQ")
    position += 12
    if version != 0 or levels > _MOST_LEVELS:
        raise _damaged(position)
    for _ in range(levels):
        (size,) = _numbers(source, position, "<Q")
        position += 8 + size
        if position > source.size:
            raise _damaged(position)
    version, length = _numbers(source, position, "<Ii")
    position += 8
    if version != 0 or not 0 < length <= _LONGEST_DESCRIPTION:
        raise _damaged(position)
    dtype, shape = _describe(source.part(position, length), examination)
    position += length
    if dtype not in _TYPES or any(size < 0 for size in shape):
        raise _damaged(position)
    name, width = _TYPES[dtype]
    elements = math.prod(shape)
    data = source.part(position, elements * width)
    if data.size < elements * width:
        examination.report(
            SIZE_MISMATCH, f"tensor {index}: {name}{shape[:8]}, {source.size - position} bytes left", offset=start
        )
        raise Unreadable(Text("ends within a tensor", "在张量中间截断"))
    examination.tensor(f"tensor {index}", name, shape, data)
    look_at_beginning(data, f"tensor {index}", position, examination)
    return position + data.size, elements


def _describe(source: Source, examination: Examination) -> tuple[int, list[int]]:
    """TensorDesc: type and shape."""
    dtype, shape = -1, list[int]()
    message = message_of(source, examination.budget)
    for name, field in Walk(messages_of("paddle"), examination, {}).fields(message, "VarType.TensorDesc"):
        if name == "data_type":
            dtype = field.integer()
        elif not shape:
            shape = dimensions(message)
    return dtype, shape


def _numbers(source: Source, position: int, layout: str) -> tuple[Any, ...]:
    data = source.read(position, struct.calcsize(layout))
    if len(data) < struct.calcsize(layout):
        raise _damaged(position)
    return struct.unpack(layout, data)


def _damaged(position: int) -> Unreadable:
    return Unreadable(Text(f"is no stream of tensors from {position}", f"自 {position} 起不是张量流"))


def dimensions(description: Message) -> list[int]:
    """Dimensions of a TensorDesc."""
    found: list[int] = []
    for field in description.fields():
        if field.number == 2:
            found += field.integers()
        if len(found) > 64:
            raise Unreadable(Text("has a tensor of too many dimensions", "张量维数过多"))
    return found
