"""Arrays of numpy: a header that is a Python literal, then raw elements, or a pickle where elements are objects.

Source: NEP 1 (https://numpy.org/neps/nep-0001-npy-format.html) and `numpy/lib/_format_impl.py`. The header is parsed
by a grammar of its own and never evaluated; raw elements are accounted for and not read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.npy_header import DeepHeader, Literal, NotPlain, parse_literal
from touchstone.scan.pickle_machine.arrays import element_width, plain_name
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_FORMAT: Final = "https://numpy.org/neps/nep-0001-npy-format.html"
_NOT_BY_NUMPY: Final = Text(
    "Obtain the file again; numpy does not write this.", "重新获取文件；numpy 不会写出这种内容。"
)

HEADER_BOMB: Final = Rule(
    "npy/header-bomb",
    "high",
    "threat",
    Text(
        "The header is so long or so deeply nested that parsing it exhausts the loader",
        "文件头过长或嵌套过深，解析会耗尽加载器资源",
    ),
    _NOT_BY_NUMPY,
    (_FORMAT, "CWE-400"),
)
HEADER_CODE: Final = Rule(
    "npy/header-code",
    "critical",
    "threat",
    Text(
        "The header holds an expression instead of plain data; a loader that evaluates it runs it",
        "文件头包含表达式而非普通数据，对其求值的加载器会执行它",
    ),
    _NOT_BY_NUMPY,
    (_FORMAT, "CWE-95"),
)
SHAPE_LIE: Final = Rule(
    "npy/shape-mismatch",
    "high",
    "threat",
    Text(
        "The shape asks for far more elements than there are, or for a negative number",
        "形状要求的元素数远超实际数据，或为负数",
    ),
    _NOT_BY_NUMPY,
    (_FORMAT, "CWE-789"),
)
TRAILING: Final = Rule(
    "npy/trailing-bytes",
    "medium",
    "threat",
    Text("Bytes follow the array that are no other array", "数组之后还有不属于其他数组的字节"),
    Text("Find out what these bytes are; numpy ignores them.", "查明这些字节的内容；numpy 会忽略它们。"),
    (_FORMAT, "CWE-506"),
)

RULES: Final[tuple[Rule, ...]] = (HEADER_BOMB, HEADER_CODE, SHAPE_LIE, TRAILING)

_MAGIC: Final = b"\x93NUMPY"
_LONGEST_HEADER: Final = 64 * 1024
_MOST_ARRAYS: Final = 10_000
_SUSPICIOUS_SIZE: Final = 2**28
_CALL: Final = re.compile(r"[A-Za-z_]\w*\s*\(|__\w+__|\blambda\b|\bfor\b")


@dataclass(frozen=True, slots=True)
class _Header:
    dtype: Literal
    shape: tuple[int, ...]
    end: int
    """First byte of the elements."""


def read_npy(source: Source, examination: Examination) -> None:
    """One array, or several one after the other, as `numpy.save` into an open file writes them."""
    position = 0
    for count in range(_MOST_ARRAYS):
        if position >= source.size:
            return
        if count and source.read(position, len(_MAGIC)) != _MAGIC:
            _trailing(source, position, examination)
            return
        header = _read_header(source, position, examination)
        following = _read_elements(source, header, count, examination)
        if following is None:
            return
        position = following
    raise Unreadable(Text(f"holds more than {_MOST_ARRAYS} arrays", f"数组数量超过 {_MOST_ARRAYS} 个"))


def _trailing(source: Source, position: int, examination: Examination) -> None:
    rest = source.part(position, source.size - position)
    examination.report(TRAILING, f"{rest.size} bytes: {rest.read(0, 16).hex(' ')}", offset=position, length=rest.size)
    examination.examine(rest, f"bytes from {position}")


def _read_header(source: Source, position: int, examination: Examination) -> _Header:
    version = source.read(position + 6, 2)
    if version not in {b"\x01\x00", b"\x02\x00", b"\x03\x00"}:
        raise Unreadable(Text(f"npy version {version.hex('.')} is not known", f"未知的 npy 版本 {version.hex('.')}"))
    major = version[0]
    width = 2 if major == 1 else 4
    start = position + 8 + width
    length = int.from_bytes(source.read(position + 8, width), "little")
    if length > _LONGEST_HEADER:
        examination.report(HEADER_BOMB, f"header of {length} bytes", offset=position + 8, length=width)
        raise Unreadable(Text("the header is too long", "文件头过长"))
    raw = source.read(start, length)
    if len(raw) < length:
        raise Unreadable(Text("the header is longer than the file", "文件头长度超过文件"))
    fields = _parse(raw, "utf-8" if major == 3 else "latin-1", start, examination)
    if set(fields) != {"descr", "fortran_order", "shape"} or not isinstance(fields["fortran_order"], bool):
        raise Unreadable(Text("the header does not describe an array", "文件头未描述数组"))
    return _Header(fields["descr"], _shape(fields["shape"], start, examination), start + length)


def _parse(raw: bytes, encoding: str, offset: int, examination: Examination) -> dict[str, Literal]:
    try:
        text = raw.decode(encoding)
        fields = parse_literal(text)
    except UnicodeDecodeError:
        raise Unreadable(Text("the header is not UTF-8", "文件头不是 UTF-8")) from None
    except DeepHeader:
        examination.report(HEADER_BOMB, "a deeply nested header", offset=offset, length=len(raw))
        raise Unreadable(Text("the header is nested too deeply", "文件头嵌套过深")) from None
    except NotPlain as where:
        if _CALL.search(text):
            examination.report(HEADER_CODE, text, offset=offset, length=len(raw))
        raise Unreadable(Text(f"the header is no literal: {where}", f"文件头不是字面量：{where}")) from None
    if not isinstance(fields, dict):
        raise Unreadable(Text("the header is no dictionary", "文件头不是字典"))
    return fields


def _shape(value: Literal, offset: int, examination: Examination) -> tuple[int, ...]:
    axes = value if isinstance(value, tuple) else ()
    whole = tuple(axis for axis in axes if isinstance(axis, int) and not isinstance(axis, bool))
    if not isinstance(value, tuple) or len(whole) != len(axes):
        raise Unreadable(Text("the shape is no tuple of integers", "形状不是整数元组"))
    if any(axis < 0 for axis in whole):
        examination.report(SHAPE_LIE, f"shape {whole}", offset=offset)
        raise Unreadable(Text("the shape is negative", "形状为负数"))
    return whole


def _read_elements(source: Source, header: _Header, count: int, examination: Examination) -> int | None:
    """Account for the elements; answers where they end, and `None` when the rest of the file is a pickle."""
    name = "array" if count == 0 else f"array {count + 1}"
    if holds_objects(header.dtype):
        examination.examine(source.part(header.end, source.size - header.end), "objects", as_format="pickle")
        return None
    width = width_of(header.dtype)
    if width is None:
        raise Unreadable(Text("has elements of a type that is not known", "元素类型未知"))
    length = width * math.prod(header.shape)
    available = source.size - header.end
    if length > available:
        if length > _SUSPICIOUS_SIZE and length > 16 * source.size:
            examination.report(SHAPE_LIE, f"shape {header.shape}, {available} bytes there", offset=header.end)
        raise Unreadable(Text("the elements are longer than the file", "元素数据长度超过文件"))
    data = source.part(header.end, length)
    dtype = header.dtype if isinstance(header.dtype, str) else "record"
    examination.tensor(name, plain_name(dtype), header.shape, data)
    look_at_beginning(data, name, header.end, examination)
    return header.end + length


def holds_objects(dtype: Literal) -> bool:
    """Whether there are objects among the elements, at any depth: then a pickle follows."""
    if isinstance(dtype, str):
        return any(_is_object(part) for part in dtype.split(","))
    if isinstance(dtype, list):
        return any(holds_objects(_type_of_field(field)) for field in dtype)
    if isinstance(dtype, tuple) and dtype:
        return holds_objects(dtype[0])
    return False


def _is_object(code: str) -> bool:
    return code.strip().lstrip("<>|=0123456789").startswith(("O", "object"))


def _type_of_field(field: Literal) -> Literal:
    return field[1] if isinstance(field, tuple) and len(field) > 1 else field


def width_of(dtype: Literal) -> int | None:
    """Bytes of one element; `None` when that is not known."""
    if isinstance(dtype, str):
        return element_width(dtype)
    if isinstance(dtype, tuple) and len(dtype) == 2:
        base, shape = width_of(dtype[0]), dtype[1]
        return None if base is None else _times(base, shape)
    if not isinstance(dtype, list):
        return None
    total = 0
    for field in dtype:
        width = width_of(_type_of_field(field)) if isinstance(field, tuple) and len(field) in {2, 3} else None
        if width is not None and isinstance(field, tuple) and len(field) == 3:
            width = _times(width, field[2])
        if width is None:
            return None
        total += width
    return total


def _times(width: int, shape: Literal) -> int | None:
    axes = shape if isinstance(shape, tuple) else (shape,)
    total = width
    for axis in axes:
        if not isinstance(axis, int) or axis < 0:
            return None
        total *= axis
    return total
