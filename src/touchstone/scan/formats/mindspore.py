"""MindSpore graphs (`.mindir`): primitives by name, functions, parameters here or in files beside.

Most primitives compute. A few evaluate Python, load native libraries, write files or hold compiled models; those are
listed (`packs/mindspore_operators.json`), and so is everything MindSpore does not have itself.

Source: mindspore/core/proto/mind_ir.proto; encrypted files: mindspore/train/serialization.py (`enc_key`).
"""

from __future__ import annotations

import math
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule, shown
from touchstone.scan.operator_packs import HOLDS_ENGINE, engine_not_read, operator_pack
from touchstone.scan.protobuf import MOST_NAMES, Message, check_names, message_of
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_REMEDY: Final = Text(
    "Do not load the model; export it again without this operator.", "不要加载；请去掉该算子后重新导出。"
)

RUNS_PYTHON: Final = Rule(
    "mindspore/python-operator",
    "critical",
    "threat",
    Text("An operator that evaluates Python while the model runs", "模型运行时会执行 Python 的算子"),
    _REMEDY,
    ("CWE-94", "AML.T0011"),
)
CALLS_NATIVE_CODE: Final = Rule(
    "mindspore/native-operator",
    "high",
    "threat",
    Text("An operator that loads a native library named in the file", "会加载文件中指定的本机库的算子"),
    _REMEDY,
    ("CWE-829", "AML.T0011"),
)
WRITES_FILES: Final = Rule(
    "mindspore/writes-files",
    "critical",
    "threat",
    Text("An operator that writes files while the model runs", "模型运行时会写入文件的算子"),
    _REMEDY,
    ("CWE-73", "AML.T0011"),
)
CUSTOM_OPERATOR: Final = Rule(
    "mindspore/custom-operator",
    "high",
    "unreviewed",
    Text("An operator that MindSpore itself does not have", "MindSpore 自身没有的算子"),
    Text("Review the library that provides the operator.", "审查提供该算子的库。"),
    ("CWE-829",),
)
PYTHON_REFERENCE: Final = Rule(
    "mindspore/python-reference",
    "high",
    "unreviewed",
    Text("Names a Python class or module that the loader looks up", "含加载时会查找的 Python 类或模块名"),
    Text("Review what the name leads to, or export the model without it.", "审查该名称所指内容，或去掉后重新导出。"),
    ("CWE-470",),
)
PATH_LEADS_OUT: Final = Rule(
    "mindspore/external-path",
    "critical",
    "threat",
    Text("Reads tensors from outside the model's folder", "从模型目录之外读取张量"),
    Text("Do not load the model: it may read any file of the user.", "不要加载：该模型可读取用户的任意文件。"),
    ("CWE-22",),
)
SIZE_MISMATCH: Final = Rule(
    "mindspore/size-mismatch",
    "high",
    "threat",
    Text("A tensor's bytes do not fit its type and shape", "张量的字节数与类型、形状不符"),
    Text("Export the model again and use that file.", "请重新导出模型并使用新文件。"),
    ("CWE-125", "CWE-787"),
)
RULES: Final[tuple[Rule, ...]] = (
    RUNS_PYTHON,
    CALLS_NATIVE_CODE,
    WRITES_FILES,
    CUSTOM_OPERATOR,
    PYTHON_REFERENCE,
    PATH_LEADS_OUT,
    SIZE_MISMATCH,
)

_RULE_OF: Final = {
    "runs-python": RUNS_PYTHON,
    "calls-native-code": CALLS_NATIVE_CODE,
    "writes-files": WRITES_FILES,
}

_TYPES: Final[dict[int, tuple[str, int]]] = {
    1: ("float32", 4),
    2: ("uint8", 1),
    3: ("int8", 1),
    4: ("uint16", 2),
    5: ("int16", 2),
    6: ("int32", 4),
    7: ("int64", 8),
    9: ("bool", 1),
    10: ("float16", 2),
    11: ("float64", 8),
    12: ("uint32", 4),
    13: ("uint64", 8),
    14: ("complex64", 8),
    15: ("complex128", 16),
    16: ("bfloat16", 2),
    17: ("float64", 8),
}
"""TensorProto.DataType: names and bytes of an element."""
_PYTHON_KINDS: Final = {33: "class", 34: "module"}
"""AttributeProto.AttributeType: CLASS_TYPE and NAME_SPACE."""
_REFERENCE: Final = "REF::"
"""How a node names a primitive or function of this file."""


def read_encrypted(_source: Source, examination: Examination) -> None:
    """A `.mindir` or `.ckpt` that was saved with a key."""
    examination.fact("framework", "mindspore")
    examination.gap(Text("is encrypted", "已加密"), "encrypted")


def read_mindir(source: Source, examination: Examination) -> None:
    """Go through the whole graph and all its functions."""
    reading = _Reading(examination)
    try:
        reading.walk.message(message_of(source, examination.budget), "ModelProto")
    finally:
        reading.finish()


class _Reading:
    """One walk over one model."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._operators: dict[str, int] = {}
        """What nodes name, and where first."""
        self._primitives: dict[str, str] = {}
        """Primitives of this file: the name nodes use, and the operator."""
        self._defined: set[str] = set()
        """Functions and nodes of this file, which nodes may call as well."""
        self._parameters = 0
        self.walk = Walk(
            messages_of("mindspore"),
            examination,
            {
                "ModelProto": self._model,
                "GraphProto": self._graph,
                "NodeProto": self._node,
                "PrimitiveProto": self._primitive,
                "AttributeProto": self._attribute,
                "TensorProto": self._constant,
            },
        )

    def finish(self) -> None:
        """Judge the operators, when all primitives and functions are known."""
        self._examination.fact("framework", "mindspore")
        if self._parameters:
            self._examination.fact("parameters", str(self._parameters))
        for reference, offset in self._operators.items():
            name = reference.removeprefix(_REFERENCE)
            operator = self._primitives.get(name, name)
            is_call = reference.startswith(_REFERENCE) and name in self._defined and name not in self._primitives
            if not is_call:
                self._judge(operator, offset)

    def _judge(self, operator: str, offset: int) -> None:
        pack = operator_pack("mindspore")
        what = pack.does.get(operator)
        if what == HOLDS_ENGINE:
            self._examination.gap(engine_not_read(operator), "format")
        elif what is not None:
            self._examination.runs_code()
            self._examination.report(_RULE_OF[what], operator, offset=offset)
        elif operator not in pack.known:
            self._examination.report(CUSTOM_OPERATOR, operator, offset=offset)

    # ---- messages

    def _model(self, message: Message) -> None:
        producer = {"producer_name": "", "producer_version": ""}
        for name, field in self.walk.fields(message, "ModelProto"):
            match name:
                case "producer_name" | "producer_version":
                    producer[name] = field.text()
                case "graph":
                    self._ends(field.message())
                    self.walk.enter(field)
                case _:
                    self.walk.enter(field)
        self._examination.fact("producer", " ".join(word for word in producer.values() if word))

    def _ends(self, message: Message) -> None:
        """Inputs and outputs of the main graph, as facts."""
        for field in message.fields():
            if field.number in (5, 6):
                name = next((each.text() for each in field.message().fields() if each.number == 1), "")
                self._examination.fact("input" if field.number == 5 else "output", name)

    def _graph(self, message: Message) -> None:
        for name, field in self.walk.fields(message, "GraphProto"):
            match name:
                case "name":
                    self._define(field.name())
                case "parameter":
                    self._tensor(field.message(), is_weight=True)
                case "bprop_filepath":
                    self._refer(field.text(), field.offset)
                case _:
                    self.walk.enter(field)

    def _node(self, message: Message) -> None:
        for name, field in self.walk.fields(message, "NodeProto"):
            match name:
                case "op_type":
                    self._operators.setdefault(field.name(), message.start)
                case "name":
                    self._define(field.name())
            self.walk.enter(field)

    def _define(self, name: str) -> None:
        if len(self._defined) < MOST_NAMES:
            self._defined.add(name)

    def _primitive(self, message: Message) -> None:
        title = operator = ""
        for name, field in self.walk.fields(message, "PrimitiveProto"):
            match name:
                case "name":
                    title = field.name()
                case "op_type":
                    operator = field.name()
            self.walk.enter(field)
        check_names(len(self._primitives))
        self._primitives[title] = operator
        self._operators.setdefault(title, message.start)

    def _attribute(self, message: Message) -> None:
        """AttributeProto: tensors and graphs hide here, and names of Python classes."""
        kind, value = 0, ""
        for name, field in self.walk.fields(message, "AttributeProto"):
            match name:
                case "type":
                    kind = field.integer()
                case "s":
                    value = field.text() if field.length <= 4096 else ""
            self.walk.enter(field)
        if kind in _PYTHON_KINDS:
            self._examination.report(PYTHON_REFERENCE, f"{_PYTHON_KINDS[kind]} {value}", offset=message.start)

    # ---- tensors

    def _constant(self, message: Message) -> None:
        self._tensor(message, is_weight=False)

    def _tensor(self, message: Message, *, is_weight: bool) -> None:
        title, dtype, compression, external = "", 0, 0, False
        dims: list[int] = []
        data = None
        for name, field in self.walk.fields(message, "TensorProto"):
            match name:
                case "name":
                    title = field.text()
                case "data_type":
                    dtype = field.integer()
                case "dims":
                    dims = dims or [size for each in message.fields() if each.number == 1 for size in each.integers()]
                case "compression_type":
                    compression = field.integer()
                case "raw_data":
                    data = field.part()
                case "external_data":
                    external = True
                    self._external(field.message())
            self.walk.enter(field)
        elements = math.prod(dims) if all(size >= 0 for size in dims) else 0
        self._parameters += elements if is_weight else 0
        if data is None or external:
            return
        word, width = _TYPES.get(dtype, (f"type-{dtype}", 0))
        if width and not compression and data.size != elements * width:
            self._examination.report(
                SIZE_MISMATCH, f"{shown(title, 100)}: {word}{dims[:8]} in {data.size} bytes", offset=message.start
            )
        title = title or f"constant at {message.start}"
        self._examination.tensor(title, word, dims, data)
        look_at_beginning(data, title, message.start, self._examination)

    def _external(self, message: Message) -> None:
        for name, field in self.walk.fields(message, "TensorProto.ExternalDataProto"):
            if name == "location":
                self._refer(field.text(), field.offset)

    def _refer(self, path: str, offset: int) -> None:
        if not path:
            return
        if leads_out(path):
            self._examination.report(PATH_LEADS_OUT, path, offset=offset)
        self._examination.refers_to(path, "tensors")
