"""MessagePack, as Flax writes its checkpoints: maps, lists, numbers, and extension types that stand for arrays.

The format itself holds data only. What its users put inside may not be: `msgpack-numpy` unpickles arrays of objects.
Source: https://github.com/msgpack/msgpack/blob/master/spec.md and `flax/serialization.py` of flax 0.12.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.cursor import Cursor
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

UNKNOWN_EXTENSION: Final = Rule(
    "msgpack/unknown-extension",
    "medium",
    "unreviewed",
    Text("Holds values of a type that its own program decodes", "含有需由专用程序解码的扩展类型"),
    Text("Find out which program decodes this type, and how.", "请查明由哪个程序、如何解码该类型。"),
    ("CWE-502",),
)
PICKLED_ARRAY: Final = Rule(
    "msgpack/pickled-array",
    "critical",
    "threat",
    Text(
        "Holds an array of Python objects, which msgpack-numpy unpickles", "含有会被 msgpack-numpy 反序列化的对象数组"
    ),
    Text("Do not load it; ask for arrays of numbers.", "不要加载；请索取数值数组。"),
    ("CWE-502",),
)
BAD_ARRAY: Final = Rule(
    "msgpack/size-mismatch",
    "high",
    "threat",
    Text("An array has more or fewer bytes than its type and shape say", "数组的字节数与类型、形状不符"),
    Text("Obtain the file again; Flax does not write this.", "重新获取文件；Flax 不会写出这种内容。"),
    ("CWE-125",),
)
REPEATED_KEY: Final = Rule(
    "msgpack/repeated-key",
    "medium",
    "threat",
    Text(
        "A key occurs twice in one map, so that two readers may see different values",
        "同一映射中键重复，不同读取器可能得到不同的值",
    ),
    Text("Obtain the file again; Flax does not write this.", "重新获取文件；Flax 不会写出这种内容。"),
    ("CWE-436",),
)
HIDDEN_BYTES: Final = Rule(
    "msgpack/hidden-bytes",
    "medium",
    "threat",
    Text("Bytes follow the one object of the file", "唯一对象之后还有字节"),
    Text("Obtain the file again; Flax does not write this.", "重新获取文件；Flax 不会写出这种内容。"),
    ("CWE-506",),
)

RULES: Final[tuple[Rule, ...]] = (UNKNOWN_EXTENSION, PICKLED_ARRAY, BAD_ARRAY, REPEATED_KEY, HIDDEN_BYTES)

DEEPEST: Final = 128
_FIXED: Final = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
}  # fmt: skip
_COUNTED: Final = {0xC4: "B", 0xC5: "H", 0xC6: "I", 0xD9: "B", 0xDA: "H", 0xDB: "I"}
_EXTENSIONS: Final = {0xC7: "B", 0xC8: "H", 0xC9: "I"}
_NESTED: Final = {0xDC: "H", 0xDD: "I", 0xDE: "H", 0xDF: "I"}
_FLAX_ARRAY, _FLAX_COMPLEX, _FLAX_SCALAR, _TIMESTAMP = 1, 2, 3, -1
_BYTES_OF_TYPE: Final = re.compile(r"(?:bool|u?int|float|bfloat|complex)(\d*)(?:_e\dm\d\w*)?")
_LONGEST_KEY: Final = 200
_MOST_KEYS: Final = 10_000
_SMALLEST_LOOKED_AT: Final = 16


@dataclass(slots=True)
class _Level:
    """A list or map whose elements are being read."""

    left: int
    is_map: bool
    name: str = ""
    """Key of the element that comes next."""
    keys: set[str] = field(default_factory=set)
    """Those that were read, of a map of ordinary size."""


def read_msgpack(source: Source, examination: Examination) -> None:
    """Walk the one object of the file."""
    walk = _Walk(Cursor(source, order=">"), examination)
    walk.object()
    at = walk.cursor.at
    if at < source.size:
        examination.report(HIDDEN_BYTES, f"{source.size - at} bytes", offset=at, length=source.size - at)
        examination.examine(source.part(at, source.size - at), "bytes behind the object")
    if walk.parameters:
        examination.fact("parameters", str(walk.parameters))
    if walk.has_arrays:
        examination.fact("framework", "flax")


class _Walk:
    def __init__(self, cursor: Cursor, examination: Examination) -> None:
        self.cursor = cursor
        self.parameters = 0
        self.has_arrays = False
        self._examination = examination
        self._levels: list[_Level] = []
        self._spent = 0

    def object(self) -> None:
        """One object with everything in it, without recursion."""
        self._value()
        while self._levels:
            level = self._levels[-1]
            if level.left == 0:
                self._levels.pop()
                continue
            level.left -= 1
            if level.is_map:
                self._next_key(level)
            self._value()

    def _next_key(self, level: _Level) -> None:
        offset = self.cursor.at
        level.name = self._key()
        if level.name in level.keys:
            self._examination.report(REPEATED_KEY, self._name(), offset=offset)
        if len(level.keys) < _MOST_KEYS:
            level.keys.add(level.name)

    def _key(self) -> str:
        """A key of a map: any value; texts are kept for the names of arrays."""
        mark = self.cursor.number("B")
        length = self._length_of_text(mark)
        if length is None:
            self._value(mark)
            return f"value at {self.cursor.at}"
        kept = self.cursor.take(min(length, _LONGEST_KEY)).decode("utf-8", "replace")
        self.cursor.skip(length - min(length, _LONGEST_KEY))
        return kept

    def _length_of_text(self, mark: int) -> int | None:
        if 0xA0 <= mark <= 0xBF:
            return mark & 31
        return int(self.cursor.number(_COUNTED[mark])) if mark in _COUNTED else None

    def _value(self, mark: int | None = None) -> None:
        self._spent += 1
        if self._spent % 1024 == 0:
            self._examination.budget.spend_opcodes(1024)
        mark = self.cursor.number("B") if mark is None else mark
        if mark <= 0x7F or mark >= 0xE0:
            return
        if mark <= 0x8F:
            self._open(mark & 15, is_map=True)
        elif mark <= 0x9F:
            self._open(mark & 15, is_map=False)
        elif mark in _FIXED:
            self.cursor.skip(_FIXED[mark])
        elif mark in _NESTED:
            self._open(self.cursor.number(_NESTED[mark]), is_map=mark >= 0xDE)
        elif mark in _EXTENSIONS:
            self._extension(self.cursor.number(_EXTENSIONS[mark]))
        elif 0xD4 <= mark <= 0xD8:
            self._extension(1 << (mark - 0xD4))
        else:
            self._bytes(mark)

    def _open(self, count: int, *, is_map: bool) -> None:
        if count > self.cursor.left:
            raise Unreadable(Text("claims more values than there are bytes", "声明的值数量超过字节数"))
        if len(self._levels) >= DEEPEST:
            raise Unreadable(Text("is nested too deeply", "嵌套过深"))
        self._levels.append(_Level(count, is_map))

    def _bytes(self, mark: int) -> None:
        length = self._length_of_text(mark)
        if length is None:
            raise Unreadable(Text("has a byte that no value begins with", "含有不合法的类型字节"))
        offset = self.cursor.at
        data = self.cursor.part(length)
        name = self._name()
        if length >= _SMALLEST_LOOKED_AT:
            look_at_beginning(data, name, offset, self._examination)
        elif name.endswith("kind") and data.read(0, 2) == b"O":
            self._examination.runs_code()
            self._examination.report(PICKLED_ARRAY, name, offset=offset)

    def _name(self) -> str:
        return "/".join(level.name for level in self._levels if level.is_map)

    def _extension(self, length: int) -> None:
        kind = self.cursor.number("b")
        offset = self.cursor.at
        data = self.cursor.part(length)
        if kind in {_FLAX_ARRAY, _FLAX_SCALAR}:
            self.has_arrays = True
            self._array(data, offset)
        elif kind not in {_FLAX_COMPLEX, _TIMESTAMP}:
            self._examination.report(UNKNOWN_EXTENSION, f"type {kind} at {shown(self._name(), 120)}", offset=offset)

    def _array(self, data: Source, offset: int) -> None:
        """An array of Flax: its shape, the name of its type, and its bytes, as an object of their own."""
        cursor = Cursor(data, order=">")
        if cursor.number("B") != 0x93:
            raise Unreadable(Text("has an array that is not one of Flax", "数组格式与 Flax 不符"))
        shape = self._shape(cursor)
        length = _text_length(cursor)
        dtype = cursor.take(min(length, _LONGEST_KEY)).decode("ascii", "replace")
        content = cursor.part(_text_length(cursor))
        match = _BYTES_OF_TYPE.fullmatch(dtype)
        if match is None or cursor.left:
            raise Unreadable(Text(f"has an array of the type {shown(dtype, 40)}", f"数组类型 {shown(dtype, 40)} 未知"))
        bits = 8 if match.group().startswith("bool") else int(match[1] or 0)
        name = self._name()
        if 8 * content.size < math.prod(shape) * bits or content.size > math.prod(shape) * max(bits // 8, 1):
            what = f"{shown(name, 100)}: {dtype} {list(shape)} in {content.size} bytes"
            self._examination.report(BAD_ARRAY, what, offset=offset)
        self.parameters += math.prod(shape)
        self._examination.tensor(name, dtype, shape, content)
        look_at_beginning(content, name, offset, self._examination)

    @staticmethod
    def _shape(cursor: Cursor) -> tuple[int, ...]:
        mark = cursor.number("B")
        if mark == 0xDC:
            count = cursor.number("H")
        elif 0x90 <= mark <= 0x9F:
            count = mark & 15
        else:
            raise Unreadable(Text("has an array without a shape", "数组缺少形状"))
        if count > 64:
            raise Unreadable(Text("has an array of too many dimensions", "数组维数过多"))
        return tuple(_natural(cursor) for _ in range(count))


def _natural(cursor: Cursor) -> int:
    mark = int(cursor.number("B"))
    if mark <= 0x7F:
        return mark
    widths = {0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q"}
    if mark not in widths:
        raise Unreadable(Text("has a shape that is not made of numbers", "形状不是数字"))
    return int(cursor.number(widths[mark]))


def _text_length(cursor: Cursor) -> int:
    mark = cursor.number("B")
    if 0xA0 <= mark <= 0xBF:
        return int(mark & 31)
    if mark not in _COUNTED:
        raise Unreadable(Text("has an array that is not one of Flax", "数组格式与 Flax 不符"))
    return int(cursor.number(_COUNTED[mark]))
