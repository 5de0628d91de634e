"""Files that hold arrays and nothing else: NumPy `.npy` and safetensors. Every byte must be accounted for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from touchstone.system.artifacts.documents_in_models import load_json
from touchstone.text import Text

LARGEST_HEADER = 100_000_000
"""The safetensors format's own limit."""

_NPY_HEADER = re.compile(
    r"\{'descr': (?P<descr>'[^'\\]{1,64}'|\[[^\\{}]{1,16384}\]), "
    r"'fortran_order': (?:True|False), 'shape': \((?P<shape>[0-9, ]{0,400})\), ?\}\s*"
)
_TYPE = r"'[<>|=]?([?bcfimuMSUV])(\d{0,9})(?:\[\w{1,12}\])?'"
_PLAIN_DESCR = re.compile(_TYPE)
_FIELD = re.compile(r"\('[^']*', " + _TYPE + r"(?:, \(([0-9, ]{0,100})\))?\)")
_QUOTED = re.compile(r"'([^']*)'")
_OBJECT = re.compile(r"[<>|=]?O\d*|object_?")

_SAFETENSORS_BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "C64": 64,
    "U64": 64,
    "I64": 64,
    "F64": 64,
}


@dataclass(frozen=True, slots=True)
class NpyReading:
    """The header of one `.npy` file: where a pickled object array begins, if it is one, and what is wrong."""

    pickled_at: int | None
    problem: Text | None


class _Unreadable(Exception):  # noqa: N818 - ends a reading, is not an error of ours
    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.problem = Text(en, zh)


def read_npy(data: memoryview) -> NpyReading:
    """Read an array's header (NEP 1). Arrays of objects are pickles, and would be unpickled."""
    try:
        return NpyReading(_pickled_at(data), None)
    except _Unreadable as reason:
        return NpyReading(None, reason.problem)


def safetensors_problem(data: memoryview) -> Text | None:
    """What is wrong with a safetensors file, or `None` when its header accounts for every byte exactly once."""
    try:
        _account_for_tensors(data)
    except _Unreadable as reason:
        return reason.problem
    return None


def _pickled_at(data: memoryview) -> int | None:
    if len(data) < 10:
        raise _Unreadable("the array's header is cut off", "数组文件头不完整")
    width = 2 if data[6] == 1 else 4
    length = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + length
    if data[6] not in (1, 2, 3) or length > 65536 or start > len(data):
        raise _Unreadable("the array's header has an impossible size", "数组文件头大小不合法")
    header = _NPY_HEADER.fullmatch(bytes(data[8 + width : start]).decode("latin-1"))
    if header is None:
        raise _Unreadable("the array's header is not the usual one", "数组文件头格式不规范")
    if any(_OBJECT.fullmatch(word) for word in _QUOTED.findall(header["descr"])):
        return start
    if len(data) - start != _elements(header["shape"]) * _element_bytes(header["descr"]):
        raise _Unreadable("holds more or fewer bytes than its shape says", "字节数与声明的形状不符")
    return None


def _elements(shape: str | None) -> int:
    return math.prod(int(axis) for axis in (shape or "").split(",") if axis.strip())


def _element_bytes(descr: str) -> int:
    """Bytes of one element: of a plain type, or of a record whose fields are plain."""
    plain = _PLAIN_DESCR.fullmatch(descr)
    if plain is not None:
        return _type_bytes(plain[1], plain[2])
    fields = list(_FIELD.finditer(descr))
    if not fields or ", ".join(item[0] for item in fields) != descr[1:-1]:
        raise _Unreadable("is an array of a type that is not read", "数组元素类型无法解析")
    return sum(_type_bytes(item[1], item[2]) * _elements(item[3]) for item in fields)


def _type_bytes(code: str, size: str) -> int:
    return int(size or 1) * (4 if code == "U" else 1)


def _account_for_tensors(data: memoryview) -> None:
    length = int.from_bytes(data[:8], "little")
    if length > min(LARGEST_HEADER, len(data) - 8):
        raise _Unreadable("the header is longer than the file", "文件头长度超过文件")
    try:
        header = load_json(data[8 : 8 + length])
    except ValueError:
        raise _Unreadable("the header is not plain JSON", "文件头不是标准 JSON") from None
    if not isinstance(header, dict):
        raise _Unreadable("the header is not an object", "文件头不是 JSON 对象")
    reached = 0
    for start, stop in sorted(_span(tensor) for name, tensor in header.items() if name != "__metadata__"):
        if start != reached:
            raise _Unreadable("tensors overlap or leave gaps", "张量之间有重叠或空隙")
        reached = stop
    if reached != len(data) - 8 - length:
        raise _Unreadable("bytes follow the last tensor, or are missing", "最后一个张量之后有多余字节或数据缺失")


def _span(tensor: Any) -> tuple[int, int]:
    """First and last byte of one tensor; its entry must be well-formed and its size fit shape and type."""
    if isinstance(tensor, dict) and set(tensor) == {"dtype", "shape", "data_offsets"}:
        shape, offsets, bits = tensor["shape"], tensor["data_offsets"], _SAFETENSORS_BITS.get(str(tensor["dtype"]))
        if bits is not None and _naturals(shape) and _naturals(offsets) and len(offsets) == 2 and len(shape) <= 64:
            start, stop = offsets
            if start <= stop and 8 * (stop - start) == math.prod(shape) * bits:
                return start, stop
    raise _Unreadable("a tensor's entry is malformed", "张量条目格式错误")


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**62 for value in values)
