"""What an ONNX file says about itself, read from its bytes alone.

ONNX is a protocol-buffer message. This module walks the wire format itself, bounded in fields and depth, so that
a file can be judged (operators, files it would open, inputs and outputs) before any runtime is given its bytes.
It decodes no weights and needs no library.

Source: onnx.proto (ONNX IR version 13, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) and the protocol
buffer encoding guide (https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from touchstone.errors import ArtifactError
from touchstone.text import Text

LARGEST = 2 * 1024**3
"""Protocol buffers, and so ONNX files, end at 2 GiB."""
MOST_FIELDS = 4_000_000
"""Fields looked at before a file is refused; ten times what a large language model's graph has."""
DEEPEST = 24
"""Graphs within graphs (loops, branches) before a file is refused."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_EXTERNAL = 1
"""TensorProto.DataLocation.EXTERNAL"""

ELEMENT_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
}
"""TensorProto.DataType"""


@dataclass(frozen=True, slots=True)
class TensorDescription:
    """An input or output of the graph. `shape` is `None` for values that are no tensors (sequences, maps).

    A dimension is its size, or `None` when it is left open.
    """

    name: str
    element_type: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class OnnxStructure:
    """What an ONNX file holds, apart from its weights."""

    ir_version: int
    producer: str
    opsets: dict[str, int]
    """Version of each operator set by domain; the standard domain is `ai.onnx`."""
    operators: tuple[tuple[str, str], ...]
    """Each `(domain, operator)` used anywhere, sorted."""
    functions: tuple[tuple[str, str], ...]
    """Each `(domain, name)` defined in the file itself, sorted."""
    external_data: tuple[str, ...]
    """Each place outside the file that a tensor wants to be read from, sorted."""
    inputs: tuple[TensorDescription, ...]
    """Inputs that a caller must give: graph inputs without a default."""
    outputs: tuple[TensorDescription, ...]


def read_onnx_structure(data: bytes, where: str) -> OnnxStructure:
    """Read the structure of an ONNX file. Raises `ArtifactError` naming `where` for anything that is not one."""
    if len(data) > LARGEST:
        raise ArtifactError(
            Text("is larger than 2 GiB, the limit of the format", "大于 2 GiB，超出该格式的上限"),
            where,
            Text("hand in a smaller or quantised model", "请提交更小或已量化的模型"),
        )
    return _Reader(where).model(memoryview(data))


Value = int | memoryview


@dataclass(slots=True)
class _Reader:
    """One walk over one file; the sets fill up as nodes and tensors are met, wherever they are nested."""

    where: str
    fields: int = 0
    operators: set[tuple[str, str]] = field(default_factory=set)
    functions: set[tuple[str, str]] = field(default_factory=set)
    external_data: set[str] = field(default_factory=set)

    def model(self, message: memoryview) -> OnnxStructure:
        """ModelProto."""
        ir_version, producer, graphs = 0, "", 0
        opsets: dict[str, int] = {}
        inputs: list[TensorDescription] = []
        outputs: list[TensorDescription] = []
        initialised: set[str] = set()
        for number, value in self.walk(message):
            match number:
                case 1:
                    ir_version = self.integer(value)
                case 2:
                    producer = self.text(value)
                case 7:
                    graphs += 1
                    self.graph(self.block(value), 1, inputs, outputs, initialised)
                case 8:
                    domain, version = self.opset(self.block(value))
                    opsets[domain] = version
                case 20:
                    self.training(self.block(value))
                case 25:
                    self.function(self.block(value))
        if not graphs or not ir_version or not opsets:
            raise self.fault(Text("is not an ONNX model", "不是 ONNX 模型"))
        return OnnxStructure(
            ir_version=ir_version,
            producer=producer,
            opsets=dict(sorted(opsets.items())),
            operators=tuple(sorted(self.operators)),
            functions=tuple(sorted(self.functions)),
            external_data=tuple(sorted(self.external_data)),
            inputs=tuple(tensor for tensor in inputs if tensor.name not in initialised),
            outputs=tuple(outputs),
        )

    def graph(
        self,
        message: memoryview,
        depth: int,
        inputs: list[TensorDescription],
        outputs: list[TensorDescription],
        initialised: set[str],
    ) -> None:
        """GraphProto. Fills the three collections; nested graphs are given throw-away ones."""
        if depth > DEEPEST:
            raise self.fault(Text(f"nests graphs deeper than {DEEPEST}", f"计算图嵌套超过 {DEEPEST} 层"))
        for number, value in self.walk(message):
            match number:
                case 1:
                    self.node(self.block(value), depth)
                case 5:
                    initialised.add(self.tensor(self.block(value)))
                case 11:
                    inputs.append(self.value_info(self.block(value)))
                case 12:
                    outputs.append(self.value_info(self.block(value)))
                case 15:
                    initialised.add(self.sparse_tensor(self.block(value)))

    def node(self, message: memoryview, depth: int) -> None:
        """NodeProto."""
        operator = domain = ""
        for number, value in self.walk(message):
            match number:
                case 4:
                    operator = self.text(value)
                case 5:
                    self.attribute(self.block(value), depth)
                case 7:
                    domain = self.text(value)
        self.operators.add((domain or "ai.onnx", operator))

    def attribute(self, message: memoryview, depth: int) -> None:
        """AttributeProto: tensors and graphs hide here too."""
        for number, value in self.walk(message):
            match number:
                case 5 | 10:
                    self.tensor(self.block(value))
                case 6 | 11:
                    self.graph(self.block(value), depth + 1, [], [], set())
                case 22 | 23:
                    self.sparse_tensor(self.block(value))

    def function(self, message: memoryview) -> None:
        """FunctionProto."""
        name = domain = ""
        for number, value in self.walk(message):
            match number:
                case 1:
                    name = self.text(value)
                case 7:
                    self.node(self.block(value), 1)
                case 10:
                    domain = self.text(value)
                case 11:
                    self.attribute(self.block(value), 1)
        self.functions.add((domain or "ai.onnx", name))

    def training(self, message: memoryview) -> None:
        """TrainingInfoProto: two graphs that inference never runs, but whose tensors a loader may read."""
        for number, value in self.walk(message):
            if number in (1, 2):
                self.graph(self.block(value), 2, [], [], set())

    def tensor(self, message: memoryview) -> str:
        """TensorProto: its name. Notes where its values are kept when that is not the file itself."""
        name = ""
        outside = False
        locations = []
        for number, value in self.walk(message):
            match number:
                case 8:
                    name = self.text(value)
                case 13:
                    outside = True
                    locations.append(self.location(self.block(value)))
                case 14:
                    outside = outside or self.integer(value) == _EXTERNAL
        if outside:
            self.external_data.update([place for place in locations if place] or [f"({name})"])
        return name

    def sparse_tensor(self, message: memoryview) -> str:
        """SparseTensorProto: the name of its values."""
        name = ""
        for number, value in self.walk(message):
            if number == 1:
                name = self.tensor(self.block(value))
            elif number == 2:
                self.tensor(self.block(value))
        return name

    def location(self, message: memoryview) -> str:
        """StringStringEntryProto of external data: the path when it is the location, else nothing."""
        key = content = ""
        for number, value in self.walk(message):
            if number == 1:
                key = self.text(value)
            elif number == 2:
                content = self.text(value)
        return content if key == "location" else ""

    def opset(self, message: memoryview) -> tuple[str, int]:
        """OperatorSetIdProto."""
        domain, version = "", 0
        for number, value in self.walk(message):
            if number == 1:
                domain = self.text(value)
            elif number == 2:
                version = self.integer(value)
        return domain or "ai.onnx", version

    def value_info(self, message: memoryview) -> TensorDescription:
        """ValueInfoProto with its TypeProto: one input or output."""
        name, element, shape = "", "", None
        for number, value in self.walk(message):
            if number == 1:
                name = self.text(value)
            elif number == 2:
                for kind, content in self.walk(self.block(value)):
                    if kind == 1:
                        element, shape = self.tensor_type(self.block(content))
        return TensorDescription(name, element, shape)

    def tensor_type(self, message: memoryview) -> tuple[str, tuple[int | None, ...] | None]:
        """TypeProto.Tensor with its TensorShapeProto."""
        element, shape = "", None
        for number, value in self.walk(message):
            if number == 1:
                code = self.integer(value)
                element = ELEMENT_TYPES.get(code, f"type {code}")
            elif number == 2:
                shape = tuple(
                    self.dimension(self.block(item)) for kind, item in self.walk(self.block(value)) if kind == 1
                )
        return element, shape

    def dimension(self, message: memoryview) -> int | None:
        """TensorShapeProto.Dimension: its size, or `None` when symbolic, unset or negative."""
        size = None
        for number, value in self.walk(message):
            if number == 1:
                size = self.integer(value)
            elif number == 2:
                size = None
        return size if size is not None and 0 < size < 2**62 else None

    def walk(self, message: memoryview) -> Iterator[tuple[int, Value]]:
        """Each field of one message as `(field number, value)`. Fixed-width numbers come as their bytes."""
        position, end = 0, len(message)
        while position < end:
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise self.fault(
                    Text(f"has more than {MOST_FIELDS} fields", f"字段数超过 {MOST_FIELDS}"),
                )
            tag, position = self.varint(message, position)
            number, wire_type = tag >> 3, tag & 7
            if number == 0:
                raise self.damaged()
            if wire_type == _VARINT:
                integer, position = self.varint(message, position)
                yield number, integer
                continue
            if wire_type == _LENGTH:
                length, position = self.varint(message, position)
            elif wire_type == _FIXED64:
                length = 8
            elif wire_type == _FIXED32:
                length = 4
            else:
                raise self.damaged()
            if length > end - position:
                raise self.damaged()
            yield number, message[position : position + length]
            position += length

    def varint(self, message: memoryview, position: int) -> tuple[int, int]:
        """A base-128 integer of at most ten bytes, and the position after it."""
        result = 0
        for shift in range(0, 70, 7):
            if position >= len(message):
                raise self.damaged()
            byte = message[position]
            position += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result, position
        raise self.damaged()

    def integer(self, value: Value) -> int:
        """A field that must be a varint."""
        if isinstance(value, int):
            return value
        raise self.damaged()

    def block(self, value: Value) -> memoryview:
        """A field that must be bytes."""
        if isinstance(value, memoryview):
            return value
        raise self.damaged()

    def text(self, value: Value) -> str:
        """A field that must be a short UTF-8 string."""
        raw = self.block(value)
        if len(raw) > 65536:
            raise self.fault(Text("has a name longer than 64 KiB", "含超过 64 KiB 的名称"))
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError:
            raise self.damaged() from None

    def damaged(self) -> ArtifactError:
        """The bytes break the wire format."""
        return self.fault(
            Text("is not a protocol-buffer message of the ONNX format", "不是 ONNX 格式的 protocol buffer 消息")
        )

    def fault(self, what: Text) -> ArtifactError:
        """An error of this file."""
        return ArtifactError(
            what,
            self.where,
            Text("export the model to ONNX again and hand in that file", "请重新导出 ONNX 并提交该文件"),
        )
