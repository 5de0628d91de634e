"""ONNX models: graphs of operators and their weights, in which nothing runs that the runtime does not bring along.

What a file can do is name: a file to read weights from, an operator of a library that has to be loaded, a compiled
engine. Every graph is read, wherever it is nested: branches, loops, functions, training steps.

Source: onnx.proto, IR version 13 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); external data:
https://github.com/onnx/onnx/blob/main/docs/ExternalData.md; CVE-2022-25882, CVE-2024-27318, CVE-2024-5187.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule, shown
from touchstone.scan.formats.onnx_types import BITS_OF, NAME_OF, STRING
from touchstone.scan.operator_packs import engine_not_read
from touchstone.scan.protobuf import LENGTH, Field, Message, message_of
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_EXPORT_AGAIN: Final = Text("Export the model again and use that file.", "请重新导出模型并使用新文件。")

PYTHON_OPERATOR: Final = Rule(
    "onnx/python-operator",
    "critical",
    "threat",
    Text("An operator that calls Python code while the model runs", "模型运行时会调用 Python 代码的算子"),
    Text("Do not run the model; export it without this operator.", "不要运行；请去掉该算子后重新导出。"),
    ("CWE-94", "AML.T0011"),
)
CUSTOM_OPERATOR: Final = Rule(
    "onnx/custom-operator",
    "high",
    "unreviewed",
    Text("Needs an operator library that is not part of ONNX Runtime", "需要 ONNX Runtime 以外的算子库"),
    Text(
        "Review the library that provides the operator, or export the model without it.",
        "审查提供该算子的库，或去掉该算子后重新导出。",
    ),
    ("CWE-829", "AML.T0011"),
)
PATH_LEADS_OUT: Final = Rule(
    "onnx/external-path",
    "critical",
    "threat",
    Text("Reads tensors from outside the model's folder", "从模型目录之外读取张量"),
    Text("Do not load the model: it may read any file of the user.", "不要加载：该模型可读取用户的任意文件。"),
    ("CWE-22", "CVE-2022-25882", "CVE-2024-27318"),
)
MEMORY_ADDRESS: Final = Rule(
    "onnx/memory-address",
    "critical",
    "threat",
    Text("Takes a tensor from a memory address of the process", "从进程的内存地址读取张量"),
    Text(
        "Do not load the model: ONNX Runtime writes such places only in memory.", "不要加载：正常文件不会出现这种位置。"
    ),
    ("CWE-822",),
)
EXTERNAL_RANGE: Final = Rule(
    "onnx/external-range",
    "high",
    "threat",
    Text("The place of an external tensor does not fit its type and shape", "外部张量的位置与类型、形状不符"),
    _EXPORT_AGAIN,
    ("CWE-125", "CWE-190"),
)
EXTERNAL_KEY: Final = Rule(
    "onnx/external-key",
    "medium",
    "threat",
    Text("An external tensor has a setting that the format does not know", "外部张量含格式未定义的设置"),
    _EXPORT_AGAIN,
    ("CWE-915",),
)
SIZE_MISMATCH: Final = Rule(
    "onnx/size-mismatch",
    "high",
    "threat",
    Text("A tensor's bytes do not fit its type and shape", "张量的字节数与类型、形状不符"),
    _EXPORT_AGAIN,
    ("CWE-125", "CWE-787"),
)
CODE_IN_METADATA: Final = Rule(
    "onnx/code-in-metadata",
    "high",
    "threat",
    Text(
        "Metadata that a common loader evaluates as Python holds a call instead of a value",
        "常见加载器会按 Python 求值的元数据中含有函数调用",
    ),
    Text("Do not load the model with such a loader.", "不要用此类加载器加载。"),
    ("CWE-95",),
)
RULES: Final[tuple[Rule, ...]] = (
    PYTHON_OPERATOR,
    CUSTOM_OPERATOR,
    PATH_LEADS_OUT,
    MEMORY_ADDRESS,
    EXTERNAL_RANGE,
    EXTERNAL_KEY,
    SIZE_MISMATCH,
    CODE_IN_METADATA,
)

RUNTIME_DOMAINS: Final = frozenset(
    {
        "ai.onnx",
        "ai.onnx.ml",
        "ai.onnx.training",
        "ai.onnx.preview",
        "ai.onnx.preview.training",
        "com.microsoft",
        "com.microsoft.nchwc",
        "com.microsoft.experimental",
        "com.microsoft.dml",
        "com.ms.internal.nhwc",
        "org.pytorch.aten",
    }
)
"""Operator domains that ONNX Runtime brings along (onnxruntime/core/graph/constants.h)."""
PYTHON_OPERATORS: Final = frozenset({"PyOp", "PythonOp", "PythonOpGrad", "PyCustomOp", "TritonOp"})
"""Operators of onnxruntime-extensions and of ONNX Runtime's training that call back into Python."""

_LARGEST: Final = 2**31
_EXTERNAL: Final = 1
"""TensorProto.DataLocation.EXTERNAL"""
_EXTERNAL_KEYS: Final = frozenset({"location", "offset", "length", "checksum", "basepath"})
_MOST_DIMENSIONS: Final = 64
_ADDRESS_TAG: Final = "_ORT_MEM_ADDR_"
_EVALUATED_METADATA: Final = frozenset(
    {"names", "imgsz", "kpt_shape", "kpt_names", "args", "stride", "batch", "channels"}
)
"""Keys whose values Ultralytics evaluated with `eval` (ultralytics/nn/autobackend.py)."""


def read_onnx(source: Source, examination: Examination) -> None:
    """Go through the whole model."""
    if source.size > _LARGEST:
        examination.gap(Text("is larger than 2 GiB, the limit of the format", "大于 2 GiB，超出该格式的上限"))
    reading = _Reading(examination)
    reading.walk.message(message_of(source, examination.budget), "ModelProto")
    reading.finish()


@dataclass(slots=True)
class _Tensor:
    """What a TensorProto says, before it is judged."""

    offset: int
    name: str = ""
    data_type: int = 0
    dims: list[int] = field(default_factory=list)
    location: int = 0
    external: dict[str, str] = field(default_factory=dict)
    values: list[tuple[str, Field]] = field(default_factory=list)


class _Reading:
    """One walk over one model."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.operators: dict[tuple[str, str], int] = {}
        """Each operator used anywhere, and the place where it is used first."""
        self.functions: set[tuple[str, str]] = set()
        self.parameters = 0
        self.walk = Walk(
            messages_of("onnx"),
            examination,
            {
                "ModelProto": self._model,
                "GraphProto": self._graph,
                "NodeProto": self._node,
                "FunctionProto": self._function,
                "OperatorSetIdProto": self._operator_set,
                "TensorProto": self._constant,
            },
        )

    def finish(self) -> None:
        """Judge the operators, when all functions of the file are known."""
        self.examination.fact("framework", "onnx")
        if self.parameters:
            self.examination.fact("parameters", str(self.parameters))
        for (domain, operator), offset in self.operators.items():
            if (domain, operator) in self.functions:
                continue
            if operator in PYTHON_OPERATORS:
                self.examination.runs_code()
                self.examination.report(PYTHON_OPERATOR, f"{domain}::{operator}", offset=offset)
            elif domain not in RUNTIME_DOMAINS:
                self.examination.report(CUSTOM_OPERATOR, f"{domain}::{operator}", offset=offset)

    # ---- messages

    def _model(self, message: Message) -> None:
        producer = {"producer_name": "", "producer_version": ""}
        for name, each in self.walk.fields(message, "ModelProto"):
            match name:
                case "producer_name" | "producer_version":
                    producer[name] = each.text()
                case "graph":
                    self._main_graph(each.message())
                case "metadata_props":
                    self._metadata(each.message())
                case _:
                    self.walk.enter(each)
        self.examination.fact("producer", " ".join(word for word in producer.values() if word))

    def _main_graph(self, message: Message) -> None:
        """The graph that inference runs: its ends are what callers see."""
        initialised: set[str] = set()
        inputs: list[tuple[str, str]] = []
        for name, each in self.walk.fields(message, "GraphProto"):
            match name:
                case "initializer":
                    initialised.add(self._tensor(each.message(), is_weight=True))
                case "input":
                    inputs.append(self._value(each.message()))
                case "output":
                    self.examination.fact("output", ": ".join(self._value(each.message())))
                case "name":
                    self.examination.fact("name", each.text())
                case _:
                    self.walk.enter(each)
        for title, described in inputs:
            if title not in initialised:
                self.examination.fact("input", f"{title}: {described}")

    def _graph(self, message: Message) -> None:
        for name, each in self.walk.fields(message, "GraphProto"):
            if name == "initializer":
                self._tensor(each.message(), is_weight=True)
            else:
                self.walk.enter(each)

    def _node(self, message: Message) -> None:
        operator = domain = ""
        attributes = []
        for name, each in self.walk.fields(message, "NodeProto"):
            match name:
                case "op_type":
                    operator = each.text()
                case "domain":
                    domain = each.text()
                case "attribute":
                    attributes.append(each.message())
                    self.walk.enter(each)
                case _:
                    self.walk.enter(each)
        self.operators.setdefault((domain or "ai.onnx", operator), message.start)
        if operator == "EPContext":
            self._engine(attributes)

    def _engine(self, attributes: list[Message]) -> None:
        """A node that holds, or names the file of, a graph compiled for one execution provider."""
        self.examination.gap(engine_not_read("EPContext"), "format")
        for attribute in attributes:
            title, content = "", None
            for each in attribute.fields():
                if each.number == 1:
                    title = each.text()
                elif each.number == 4 and each.length <= 4096:
                    content = each
            if title == "ep_cache_context" and content is not None:
                path = content.text()
                if path.isprintable() and path:
                    self._refer(path, content.offset)

    def _function(self, message: Message) -> None:
        title = domain = ""
        for name, each in self.walk.fields(message, "FunctionProto"):
            match name:
                case "name":
                    title = each.text()
                case "domain":
                    domain = each.text()
                case _:
                    self.walk.enter(each)
        self.functions.add((domain or "ai.onnx", title))

    def _operator_set(self, message: Message) -> None:
        domain, version = "", 0
        for name, each in self.walk.fields(message, "OperatorSetIdProto"):
            if name == "domain":
                domain = each.text()
            else:
                version = each.signed()
        self.examination.fact("operator-set", f"{domain or 'ai.onnx'} {version}")

    def _metadata(self, message: Message) -> None:
        entry = {"key": "", "value": ""}
        for name, each in self.walk.fields(message, "StringStringEntryProto"):
            if each.length <= 65536:
                entry[name] = each.text()
        if entry["key"] in _EVALUATED_METADATA and _calls_something(entry["value"]):
            self.examination.report(
                CODE_IN_METADATA,
                f"{entry['key']}: {entry['value']}",
                offset=message.start,
                length=message.end - message.start,
            )

    def _value(self, message: Message) -> tuple[str, str]:
        """A ValueInfoProto: its name and type in words."""
        title, described = "", "?"
        for name, each in self.walk.fields(message, "ValueInfoProto"):
            if name == "name":
                title = each.text()
            elif name == "type":
                described = _described_type(each.message())
                self.walk.enter(each)
            else:
                self.walk.enter(each)
        return title, described

    # ---- tensors

    def _constant(self, message: Message) -> None:
        self._tensor(message, is_weight=False)

    def _tensor(self, message: Message, *, is_weight: bool) -> str:
        tensor = _Tensor(message.start)
        for name, each in self.walk.fields(message, "TensorProto"):
            match name:
                case "name":
                    tensor.name = each.text()
                case "data_type":
                    tensor.data_type = each.integer()
                case "dims":
                    tensor.dims = tensor.dims or _dims(message)
                case "data_location":
                    tensor.location = each.integer()
                case "external_data":
                    key, value = self._external_entry(each.message())
                    tensor.external[key] = value
                case "doc_string":
                    pass
                case "segment" | "metadata_props":
                    self.walk.enter(each)
                case _:
                    tensor.values.append((name, each))
        if is_weight:
            self.parameters += _elements(tensor.dims)
        if tensor.external or tensor.location == _EXTERNAL:
            self._judge_external(tensor)
        else:
            self._judge_own(tensor, message)
        return tensor.name

    def _external_entry(self, message: Message) -> tuple[str, str]:
        entry = {"key": "", "value": ""}
        for name, each in self.walk.fields(message, "StringStringEntryProto"):
            entry[name] = each.text()
        if entry["key"] not in _EXTERNAL_KEYS:
            self.examination.report(EXTERNAL_KEY, f"{entry['key']}={entry['value']}", offset=message.start)
        return entry["key"], entry["value"]

    def _judge_external(self, tensor: _Tensor) -> None:
        place = tensor.external.get("location", "")
        if _ADDRESS_TAG in place:
            self.examination.report(MEMORY_ADDRESS, f"{tensor.name}: {place}", offset=tensor.offset)
            return
        self._refer(place, tensor.offset)
        if "basepath" in tensor.external:
            self._refer(tensor.external["basepath"], tensor.offset)
        numbers = {key: tensor.external[key] for key in ("offset", "length") if key in tensor.external}
        wanted = _bytes_of(tensor)
        if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in numbers.values()) or (
            "length" in numbers and wanted is not None and int(numbers["length"]) != wanted
        ):
            said = ", ".join(f"{key}={text}" for key, text in numbers.items())
            self.examination.report(
                EXTERNAL_RANGE, f"{shown(tensor.name, 100)}: {said}, needs {wanted} bytes", offset=tensor.offset
            )

    def _refer(self, path: str, offset: int) -> None:
        if leads_out(path):
            self.examination.report(PATH_LEADS_OUT, path, offset=offset)
        self.examination.refers_to(path, "tensors")

    def _judge_own(self, tensor: _Tensor, message: Message) -> None:
        written = {name for name, _ in tensor.values}
        if len(written) > 1:
            self.examination.report(
                SIZE_MISMATCH, f"{shown(tensor.name, 100)} has {', '.join(sorted(written))}", offset=tensor.offset
            )
        data = message.part(message.start, 0)
        for name, each in tensor.values:
            if name == "raw_data":
                data = each.part()
                self._judge_raw(tensor, data, each)
            elif each.wire == LENGTH and name in _ELEMENT_BYTES and each.length != _packed_bytes(tensor, name):
                self._report_size(tensor, f"{each.length} bytes of {name}", each.offset)
        dtype = NAME_OF.get(tensor.data_type, f"type-{tensor.data_type}")
        title = tensor.name or f"constant at {tensor.offset}"
        self.examination.tensor(title, dtype, tensor.dims, data)
        look_at_beginning(data, title, tensor.offset, self.examination)

    def _judge_raw(self, tensor: _Tensor, data: Source, each: Field) -> None:
        wanted = _bytes_of(tensor)
        if wanted is None:
            self.examination.gap(
                Text(
                    f"has a tensor of a type that is not known ({tensor.data_type})",
                    f"张量类型未知（{tensor.data_type}）",
                ),
                "format",
            )
        elif data.size != wanted:
            self._report_size(tensor, f"{data.size} bytes", each.offset)

    def _report_size(self, tensor: _Tensor, found: str, offset: int) -> None:
        dtype = NAME_OF.get(tensor.data_type, str(tensor.data_type))
        self.examination.report(
            SIZE_MISMATCH, f"{shown(tensor.name, 100)}: {dtype}{tensor.dims[:8]} in {found}", offset=offset
        )


_ELEMENT_BYTES: Final = {"float_data": 4, "double_data": 8}
"""Fields of numbers that take the same room each."""


def _packed_bytes(tensor: _Tensor, name: str) -> int:
    """Bytes of a packed list of numbers; complex numbers are two of them."""
    parts = 2 if NAME_OF.get(tensor.data_type, "").startswith("complex") else 1
    return _ELEMENT_BYTES[name] * parts * _elements(tensor.dims)


def _dims(message: Message) -> list[int]:
    """All dimensions of a TensorProto; a walk passes over those written one by one as over one field."""
    dims: list[int] = []
    for each in message.fields():
        if each.number == 1:
            dims += each.integers()
        if len(dims) > _MOST_DIMENSIONS:
            raise Unreadable(Text("has a tensor of too many dimensions", "张量维数过多"))
    return dims


def _elements(dims: list[int]) -> int:
    return math.prod(dims) if all(size >= 0 for size in dims) else 0


def _bytes_of(tensor: _Tensor) -> int | None:
    """Bytes that the values take when written raw; `None` for types we do not know."""
    bits = BITS_OF.get(tensor.data_type)
    if tensor.data_type == STRING or bits is None:
        return None
    return (_elements(tensor.dims) * bits + 7) // 8


def _described_type(message: Message) -> str:
    """A TypeProto in words: `float32[n,3,224,224]` for tensors, the kind for others."""
    for each in message.fields():
        if each.number != 1:
            return {4: "sequence", 5: "map", 7: "opaque", 8: "sparse tensor", 9: "optional"}.get(each.number, "?")
        element, dimensions = "?", "[?]"
        for inner in each.message().fields():
            if inner.number == 1:
                element = NAME_OF.get(inner.integer(), "?")
            elif inner.number == 2:
                dimensions = "[" + ",".join(_dimension(dim.message()) for dim in inner.message().fields()) + "]"
        return element + dimensions
    return "?"


def _dimension(message: Message) -> str:
    for each in message.fields():
        if each.number == 1:
            return str(each.signed())
        if each.number == 2:
            return each.text()
    return "?"


def _calls_something(expression: str) -> bool:
    """Whether a text is a Python expression that does more than write down a value."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.Call | ast.Attribute | ast.Lambda) for node in ast.walk(tree))
