"""An ONNX file as a graph that can be followed: its operators in order, their attributes, and its constants.

Reads the bytes alone, on the wire walker of the scanner; nothing is run and no library is needed. Weights are views of
the file, not copies. What a file may cost is bounded by the walker's budget; what it says about sizes is believed only
as far as its bytes bear it out.

Source: onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np

from touchstone.errors import ArtifactError
from touchstone.scan.budget import Budget, Limits
from touchstone.scan.protobuf import FIXED32, FIXED64, Field, Message, message_of
from touchstone.scan.source import MemorySource, Unreadable
from touchstone.text import Text

MOST_NODES: Final = 50_000
"""Operators of a graph; a large language model has fewer."""
LONGEST_LIST: Final = 2**26
"""Bytes of a list of numbers that is written one by one, as typed fields are."""

Numbers = np.ndarray[Any, np.dtype[Any]]
Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | Numbers

_ELEMENTS: Final[dict[int, str]] = {
    1: "<f4",
    2: "<u1",
    3: "<i1",
    5: "<i2",
    6: "<i4",
    7: "<i8",
    9: "?",
    10: "<f2",
    11: "<f8",
}
"""TensorProto.DataType of the numbers that are followed."""
_TYPED_FIELDS: Final = {4: "<f4", 10: "<f8", 5: "", 7: ""}
"""Fields that hold values by their type: floats, doubles, and varints of 32 and 64 bits."""


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One operator applied to named values. An input or output left out has the empty name."""

    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute]

    @property
    def title(self) -> str:
        """The operator with its domain, unless that is the standard one."""
        return self.operator if self.domain == "ai.onnx" else f"{self.domain}::{self.operator}"


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """The main graph of a file."""

    opsets: dict[str, int]
    nodes: tuple[OnnxNode, ...]
    constants: dict[str, Numbers]
    sources: tuple[str, ...]
    """Names of the inputs a caller must give."""
    outputs: tuple[str, ...]


def read_onnx_graph(data: bytes, where: str) -> OnnxGraph:
    """Read the main graph. Raises `ArtifactError` naming `where` for what is damaged or beyond the limits."""
    try:
        return _model(data, onnx_message(data))
    except Unreadable as error:
        raise ArtifactError(
            error.why,
            where,
            Text("export the model to ONNX again and hand in that file", "请重新导出 ONNX 并提交该文件"),
        ) from None


def onnx_message(data: bytes) -> Message:
    """The bytes of an ONNX file as a message to walk."""
    return message_of(MemorySource(data), Budget(Limits(), len(data)))


def text_of(field: Field) -> str:
    """A name within the file. Raises `Unreadable` for one that is no text."""
    try:
        return field.bytes().decode()
    except UnicodeDecodeError:
        raise Unreadable(Text("has a name that is not UTF-8", "含非 UTF-8 的名称")) from None


def read_tensor(data: bytes, message: Message) -> tuple[str, Numbers | None]:
    """TensorProto: its name and its values, which are `None` for texts and other elements that are not followed."""
    name, element, dimensions = "", 0, []
    raw: memoryview | None = None
    listed: list[Numbers] = []
    for field in message.fields():
        match field.number:
            case 1:
                dimensions += field.integers(LONGEST_LIST)
            case 2:
                element = field.integer()
            case 8:
                name = text_of(field)
            case 9:
                raw = memoryview(data)[field.start : field.start + field.length]
            case 4 | 5 | 7 | 10:
                listed.append(_listed(data, field))
            case 13 | 14:
                if field.number == 13 or field.integer():
                    raise Unreadable(Text(f"keeps {name!r} outside the file"[:200], f"{name!r} 存放在文件之外"[:200]))
    return name, _shaped(name, element, dimensions, raw, listed)


def _shaped(
    name: str, element: int, dimensions: list[int], raw: memoryview | None, listed: list[Numbers]
) -> Numbers | None:
    """The values of a constant, from whichever of two ways it has them written."""
    kind = _ELEMENTS.get(element)
    if kind is None:
        return None
    if min(dimensions, default=0) < 0 or len(dimensions) > 32:
        raise _false_size(name)
    size = prod(dimensions)
    if raw is not None:
        if size * np.dtype(kind).itemsize != len(raw):
            raise _false_size(name)
        return np.frombuffer(raw, dtype=kind).reshape(dimensions)
    values = np.concatenate(listed) if listed else np.empty(0, dtype=kind)
    if size != values.size:
        raise _false_size(name)
    if kind == "<f2":  # half precision is listed by its bits
        return values.astype("<u2").view("<f2").reshape(dimensions)
    return values.astype(kind).reshape(dimensions)


def _listed(data: bytes, field: Field) -> Numbers:
    kind = _TYPED_FIELDS[field.number]
    if not kind:
        return np.array(field.integers(LONGEST_LIST), dtype=np.int64)
    if field.length % np.dtype(kind).itemsize:
        raise Unreadable(Text("has a list of numbers that is cut off", "数值列表不完整"))
    return np.frombuffer(memoryview(data)[field.start : field.start + field.length], dtype=kind)


def _false_size(name: str) -> Unreadable:
    return Unreadable(
        Text(f"has a constant {name[:100]!r} of another size than it says", f"常量 {name[:100]!r} 的大小与其声明不符")
    )


def _model(data: bytes, message: Message) -> OnnxGraph:
    opsets: dict[str, int] = {}
    graphs = []
    for field in message.fields():
        match field.number:
            case 7:
                graphs.append(field.message())
            case 8:
                domain, version = _opset(field.message())
                opsets[domain] = version
    if len(graphs) != 1:  # a second one would be merged into the first
        raise Unreadable(Text(f"has {len(graphs)} main graphs", f"含 {len(graphs)} 个主计算图"))
    return _graph(data, graphs[0], opsets)


def _opset(message: Message) -> tuple[str, int]:
    domain, version = "", 0
    for field in message.fields():
        if field.number == 1:
            domain = text_of(field)
        elif field.number == 2:
            version = field.signed()
    return domain or "ai.onnx", version


def _graph(data: bytes, message: Message, opsets: dict[str, int]) -> OnnxGraph:
    nodes: list[OnnxNode] = []
    constants: dict[str, Numbers] = {}
    initialised: list[str] = []
    inputs, outputs = [], []
    for field in message.fields():
        match field.number:
            case 1:
                nodes.append(read_node(data, field.message()))
            case 5:
                name, values = read_tensor(data, field.message())
                initialised.append(name)
                if values is not None:
                    constants[name] = values
            case 11:
                inputs.append(name_of_value(field.message()))
            case 12:
                outputs.append(name_of_value(field.message()))
            case 15:
                raise Unreadable(Text("has sparse constants", "含稀疏常量"))
        if len(nodes) > MOST_NODES:
            raise Unreadable(Text(f"has more than {MOST_NODES} operators", f"算子超过 {MOST_NODES} 个"))
    sources = tuple(name for name in inputs if name not in set(initialised))
    _check_single_assignment([*sources, *initialised, *(name for node in nodes for name in node.outputs if name)])
    return OnnxGraph(opsets, tuple(nodes), constants, sources, tuple(outputs))


def _check_single_assignment(names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise Unreadable(Text(f"makes the value {name[:100]!r} twice", f"重复产生值 {name[:100]!r}"))
        seen.add(name)


def name_of_value(message: Message) -> str:
    """ValueInfoProto: its name."""
    name = ""
    for field in message.fields():
        if field.number == 1:
            name = text_of(field)
    return name


def read_node(data: bytes, message: Message) -> OnnxNode:
    """NodeProto."""
    operator = domain = ""
    inputs, outputs = [], []
    attributes: dict[str, Attribute] = {}
    for field in message.fields():
        match field.number:
            case 1:
                inputs.append(text_of(field))
            case 2:
                outputs.append(text_of(field))
            case 4:
                operator = text_of(field)
            case 5:
                name, value = _attribute(data, field.message())
                if value is not None:
                    attributes[name] = value
            case 7:
                domain = text_of(field)
    return OnnxNode(operator, domain or "ai.onnx", tuple(inputs), tuple(outputs), attributes)


def _attribute(data: bytes, message: Message) -> tuple[str, Attribute | None]:
    """AttributeProto: its name and value; no value for a graph or another kind that no followed operator has."""
    name, kind = "", 0
    single: Attribute | None = None
    integers: list[int] = []
    floats: list[float] = []
    texts: list[str] = []
    for field in message.fields():
        match field.number:
            case 1:
                name = text_of(field)
            case 2:
                single = field.float32()
            case 3:
                single = field.signed()
            case 4:
                single = text_of(field)
            case 5:
                single = read_tensor(data, field.message())[1]
            case 7:
                floats += _floats(data, field)
            case 8:
                integers += field.integers(LONGEST_LIST)
            case 9:
                texts.append(text_of(field))
            case 20:
                kind = field.integer()
    lists: dict[int, Attribute] = {6: tuple(floats), 7: tuple(integers), 8: tuple(texts)}
    if kind in lists:
        return name, lists[kind]
    if single is None:  # old files leave the kind out
        return name, next((values for values in lists.values() if values), None)
    return name, single


def _floats(data: bytes, field: Field) -> list[float]:
    if field.wire == FIXED64 or (field.wire != FIXED32 and field.length % 4):
        raise Unreadable(Text("has a list of numbers that is cut off", "数值列表不完整"))
    return list(np.frombuffer(memoryview(data)[field.start : field.start + field.length], dtype="<f4").tolist())
