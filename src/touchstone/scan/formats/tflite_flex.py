"""The TensorFlow operator within a `Flex` operator of TensorFlow Lite.

The Flex delegate does not go by the operator's name: it runs the `NodeDef` in the custom options, a FlexBuffer of two
texts, name and serialised node.

Source: tensorflow/lite/delegates/flex/kernel.cc (`OpNode::InitializeNodeDef`);
https://flatbuffers.dev/internals/#flexbuffers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from touchstone.scan.source import Unreadable
from touchstone.text import Text

_STRING: Final = 5
_VECTOR: Final = 10
_STRING_VECTOR: Final = 15
_MOST: Final = 16


def flex_texts(options: bytes) -> tuple[bytes, bytes]:
    """Name and node of a Flex operator. Raises `Unreadable` when the options are built otherwise."""
    try:
        name, node = _texts(options)
    except (ValueError, IndexError):
        raise Unreadable(
            Text("has a Flex operator whose options are not understood", "含无法解析选项的 Flex 算子")
        ) from None
    return name, node


def _texts(data: bytes) -> Iterator[bytes]:
    """Texts of the vector that a FlexBuffer is; its last bytes say where it begins."""
    width, packed = data[-1], data[-2]
    place = len(data) - 2 - width
    vector = place - _number(data, place, width)
    kind, width = packed >> 2, 1 << (packed & 3)
    count = _number(data, vector - width, width)
    if kind not in (_VECTOR, _STRING_VECTOR) or count > _MOST:
        raise ValueError
    for index in range(count):
        at = vector + index * width
        packed = data[vector + count * width + index] if kind == _VECTOR else _STRING << 2
        if packed >> 2 != _STRING:
            raise ValueError
        text = at - _number(data, at, width)
        size = _number(data, text - (1 << (packed & 3)), 1 << (packed & 3))
        if text < 0 or text + size > len(data):
            raise ValueError
        yield data[text : text + size]


def _number(data: bytes, place: int, width: int) -> int:
    if width not in (1, 2, 4, 8) or not 0 <= place <= len(data) - width:
        raise ValueError
    return int.from_bytes(data[place : place + width], "little")
