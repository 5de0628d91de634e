"""ONNX models: graphs of operators and their weights, in which nothing runs that the runtime does not bring along.

What a file can do is name: a file to read weights from, an operator of a library that has to be loaded, a compiled
engine. Every graph is read, wherever it is nested: branches, loops, functions, training steps.

Source: onnx.proto, IR version 13 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import ast
import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.onnx_operators import OPERATOR_RULES, judge_function, judge_operator
from touchstone.scan.formats.onnx_tensors import TENSOR_RULES, Tensors
from touchstone.scan.formats.onnx_types import NAME_OF
from touchstone.scan.protobuf import Message, check_names, message_of
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import Source
from touchstone.text import Text

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
SCRIPT_IN_METADATA: Final = Rule(
    "onnx/script-in-metadata",
    "low",
    "threat",
    Text("Metadata holds a script, which a page that shows it may run", "元数据含有脚本，显示它的页面可能会执行"),
    Text("Show the metadata as text only.", "请仅以文本形式显示元数据。"),
    ("CWE-79",),
)
RULES: Final[tuple[Rule, ...]] = (*OPERATOR_RULES, *TENSOR_RULES, CODE_IN_METADATA, SCRIPT_IN_METADATA)

_LARGEST: Final = 2**31
_SCRIPT: Final = re.compile(r"<script[\s>]|javascript:|__import__\s*\(", re.IGNORECASE)
_EVALUATED_METADATA: Final = frozenset(
    {"names", "imgsz", "kpt_shape", "kpt_names", "args", "stride", "batch", "channels"}
)
"""Keys whose values Ultralytics evaluated with `eval` (ultralytics/nn/autobackend.py)."""


def read_onnx(source: Source, examination: Examination) -> None:
    """Go through the whole model."""
    if source.size > _LARGEST:
        examination.gap(Text("is larger than 2 GiB, the limit of the format", "大于 2 GiB，超出该格式的上限"))
    reading = _Reading(examination)
    try:
        reading.walk.message(message_of(source, examination.budget), "ModelProto")
    finally:
        reading.finish()


class _Reading:
    """One walk over one model."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.operators: dict[tuple[str, str], int] = {}
        """Each operator used anywhere, and the place where it is used first."""
        self.functions: set[tuple[str, str]] = set()
        self.tensors = Tensors(examination)
        self.walk = Walk(
            messages_of("onnx"),
            examination,
            {
                "ModelProto": self._model,
                "GraphProto": self._graph,
                "NodeProto": self._node,
                "FunctionProto": self._function,
                "OperatorSetIdProto": self._operator_set,
                "TensorProto": self.tensors.constant,
            },
        )
        self.tensors.walk = self.walk

    def finish(self) -> None:
        """Judge the operators, when all functions of the file are known."""
        self.examination.fact("framework", "onnx")
        for operator, offset in self.operators.items():
            if operator not in self.functions:
                judge_operator(*operator, offset, self.examination)
        for function in self.functions:
            judge_function(*function, self.examination)
        self.tensors.finish()

    def _model(self, message: Message) -> None:
        producer = {"producer_name": "", "producer_version": ""}
        has_content = False
        for name, each in self.walk.fields(message, "ModelProto"):
            has_content = has_content or name in ("graph", "functions")
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
        if not has_content:
            self.examination.gap(Text("has no graph", "没有计算图"))

    def _main_graph(self, message: Message) -> None:
        """The graph that inference runs: its ends are what callers see."""
        initialised: set[str] = set()
        inputs: list[tuple[str, str]] = []
        for name, each in self.walk.fields(message, "GraphProto"):
            match name:
                case "initializer":
                    check_names(len(initialised))
                    initialised.add(self.tensors.weight(each.message()))
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
                self.tensors.weight(each.message())
            else:
                self.walk.enter(each)

    def _node(self, message: Message) -> None:
        operator = domain = ""
        attributes = []
        for name, each in self.walk.fields(message, "NodeProto"):
            match name:
                case "op_type":
                    operator = each.name()
                case "domain":
                    domain = each.name()
                case "attribute":
                    attributes.append(each.message())
                    self.walk.enter(each)
                case _:
                    self.walk.enter(each)
        check_names(len(self.operators))
        self.operators.setdefault((domain or "ai.onnx", operator), message.start)
        if operator == "EPContext":
            self._engine(attributes)

    def _engine(self, attributes: list[Message]) -> None:
        """A node that holds, or names the file of, a graph compiled for one execution provider."""
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
                    self.tensors.refer(path, content.offset)

    def _function(self, message: Message) -> None:
        title = domain = ""
        for name, each in self.walk.fields(message, "FunctionProto"):
            match name:
                case "name":
                    title = each.name()
                case "domain":
                    domain = each.name()
                case _:
                    self.walk.enter(each)
        check_names(len(self.functions))
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
        if _SCRIPT.search(entry["value"]):
            self.examination.report(SCRIPT_IN_METADATA, f"{entry['key']}: {entry['value']}", offset=message.start)
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
