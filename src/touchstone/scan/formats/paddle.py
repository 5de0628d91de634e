"""PaddlePaddle programs: `.pdmodel`, and the JSON of Paddle 3.

A program is a list of operators by name. A few of them open files, call Python or hold compiled engines; those are
listed, and so is everything Paddle does not have itself: custom operators are native libraries.

Source: paddle/fluid/framework/framework.proto, paddle/fluid/pir/serialize_deserialize.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import FactName, Rule
from touchstone.scan.formats.paddle_operators import CUSTOM_OPERATOR, OPERATOR_RULES, judge_operator
from touchstone.scan.formats.paddle_parameters import dimensions
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

RULES: Final[tuple[Rule, ...]] = OPERATOR_RULES

_TELLING_ATTRIBUTES: Final = frozenset({"file_path", "filename", "file_names", "endpoint", "endpoints", "dirname"})
_DIALECTS: Final = {"0": "builtin", "1": "pd_op", "2": "cf"}
"""Numbers of the dialects of Paddle itself in PIR files; the others are for custom and distributed operators."""
_PARAMETER: Final = "p"
"""How PIR files write the operator of a parameter."""


def read_program(source: Source, examination: Examination) -> None:
    """`.pdmodel` or `__model__`."""
    reading = _Program(examination)
    reading.walk.message(message_of(source, examination.budget), "ProgramDesc")
    reading.finish()


class _Program:
    """One walk over one program."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._parameters = 0
        self.walk = Walk(
            messages_of("paddle"),
            examination,
            {"OpDesc": self._operator, "VarDesc": self._variable, "Version": self._version},
        )

    def finish(self) -> None:
        """What is known when all blocks were met."""
        _tell_framework(self._examination, self._parameters, ".pdmodel")

    def _version(self, message: Message) -> None:
        for _, field in self.walk.fields(message, "Version"):
            version = field.integer()
            if version:
                self._examination.fact("producer", f"paddlepaddle {version // 10**6}.{version // 1000 % 1000}")

    def _operator(self, message: Message) -> None:
        operator = ""
        settings: list[str] = []
        ends: dict[str, list[str]] = {"inputs": [], "outputs": []}
        for name, field in self.walk.fields(message, "OpDesc"):
            match name:
                case "type":
                    operator = field.text()
                case "inputs" | "outputs":
                    ends[name] += [each.text() for each in field.message().fields() if each.number == 2]
                    self.walk.enter(field)
                case "attrs":
                    settings += _setting(field.message())
                    self.walk.enter(field)
        judge_operator(operator, ", ".join(settings), message.start, self._examination)
        if operator == "feed":
            self._tell("input", ends["outputs"])
        elif operator == "fetch":
            self._tell("output", ends["inputs"])

    def _tell(self, name: FactName, variables: list[str]) -> None:
        for variable in variables:
            self._examination.fact(name, variable)

    def _variable(self, message: Message) -> None:
        """VarDesc: parameters are the tensors that stay."""
        persistable = elements = 0
        for name, field in self.walk.fields(message, "VarDesc"):
            match name:
                case "persistable":
                    persistable = field.integer()
                case "type":
                    elements = _elements_of_type(field.message())
            self.walk.enter(field)
        if persistable:
            self._parameters += max(elements, 0)


def _setting(attribute: Message) -> Iterator[str]:
    """An attribute that says which file or address: `file_path='x'`."""
    name, values = "", []
    for field in attribute.fields():
        if field.number == 1:
            name = field.text()
        elif field.number in (5, 8) and name in _TELLING_ATTRIBUTES:
            values.append(field.text())
    for value in values:
        yield f"{name}={value!r}"


def _elements_of_type(kind: Message) -> int:
    """Elements of a dense tensor, as its VarType says; 0 for anything else."""
    for field in kind.fields():
        if field.number == 3:
            for tensor in field.message().fields():
                if tensor.number == 1:
                    return math.prod(dimensions(tensor.message()) or [0])
    return 0


def _tell_framework(examination: Examination, parameters: int, ending: str) -> None:
    examination.fact("framework", "paddlepaddle")
    if parameters:
        examination.fact("parameters", str(parameters))
        if examination.name.endswith(ending):
            examination.refers_to(f"{examination.name.removesuffix(ending)}.pdiparams", "tensors")


def examine_pir_json(document: Any, examination: Examination) -> None:
    """A program of Paddle 3: JSON with `base_code.magic` of `pir`. Raises `Unreadable` when it is not."""
    if set(document) - {"base_code", "program"}:
        examination.gap(Text("has parts that programs do not have", "含程序中不应有的部分"), "format")
    parameters = 0
    waiting: list[Any] = [document.get("program")]
    while waiting:
        place = waiting.pop()
        examination.budget.spend_opcodes(1)
        if not isinstance(place, dict):
            raise Unreadable(Text("is not built like a program", "结构不符合程序格式"))
        waiting += _listed(place, "regions") + _listed(place, "blocks")
        for operation in reversed(_listed(place, "ops")):
            if not isinstance(operation, dict) or not isinstance(operation.get("#"), str):
                raise Unreadable(Text("has an operator without a name", "含没有名称的算子"))
            waiting.append(operation)
        if "ops" not in place and "blocks" not in place and place is not document.get("program"):
            parameters += _judge_operation(place, examination)
    _tell_framework(examination, parameters, ".json")


def _listed(place: dict[str, Any], name: str) -> list[Any]:
    found = place.get(name, [])
    if not isinstance(found, list):
        raise Unreadable(Text("is not built like a program", "结构不符合程序格式"))
    return found


def _judge_operation(operation: dict[str, Any], examination: Examination) -> int:
    """One operator; answers how many weights it holds when it is a parameter."""
    title = operation.get("#", "")
    if title == _PARAMETER:
        return _pir_elements(operation)
    number, _, name = title.partition(".")
    settings = [
        f"{entry.get('N')}={value!r}"
        for entry in _listed(operation, "A")
        if isinstance(entry, dict) and (value := _pir_text(entry)) is not None and entry.get("N") != "name"
    ]
    if number not in _DIALECTS:
        examination.report(CUSTOM_OPERATOR, title)
    elif name == "data":
        examination.fact("input", next(filter(None, (_pir_text(entry) for entry in _listed(operation, "A"))), ""))
    else:
        judge_operator(name, ", ".join(settings), -1, examination)
    return 0


def _pir_text(entry: Any) -> str | None:
    """The text of an attribute that is one."""
    value = entry.get("AT") if isinstance(entry, dict) else None
    if isinstance(value, dict) and value.get("#") == "0.a_str" and isinstance(value.get("D"), str):
        return str(value["D"])
    return None


def _pir_elements(operation: dict[str, Any]) -> int:
    """Elements of the tensor that a parameter is."""
    try:
        shape = operation["O"]["TT"]["D"][1]
        return math.prod(int(size) for size in shape) if len(shape) <= 64 else 0
    except (KeyError, IndexError, TypeError, ValueError):
        return 0
