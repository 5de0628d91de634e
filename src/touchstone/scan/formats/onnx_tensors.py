"""Tensors of ONNX models: where their bytes lie, and whether there are as many as type and shape say.

Source: onnx.proto (`TensorProto`); external data: https://github.com/onnx/onnx/blob/main/docs/ExternalData.md;
CVE-2022-25882, CVE-2024-27318, CVE-2024-5187.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule, shown
from touchstone.scan.formats.onnx_types import BITS_OF, NAME_OF, STRING
from touchstone.scan.protobuf import LENGTH, Field, Message
from touchstone.scan.protobuf_schema import Walk
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_EXPORT_AGAIN: Final = Text("Export the model again and use that file.", "请重新导出模型并使用新文件。")

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
TENSOR_RULES: Final[tuple[Rule, ...]] = (PATH_LEADS_OUT, MEMORY_ADDRESS, EXTERNAL_RANGE, EXTERNAL_KEY, SIZE_MISMATCH)

_EXTERNAL: Final = 1
"""TensorProto.DataLocation.EXTERNAL"""
_EXTERNAL_KEYS: Final = frozenset({"location", "offset", "length", "checksum", "basepath"})
_MOST_DIMENSIONS: Final = 64
_MOST_OUTSIDE: Final = 10_000
_ADDRESS_TAG: Final = "_ORT_MEM_ADDR_"


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


class Tensors:
    """All tensors of one model."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.walk: Walk
        self.parameters = 0
        self.outside: dict[str, int] = {}
        """Other files, and how long they must be."""

    def constant(self, message: Message) -> None:
        """TensorProto in an attribute."""
        self._judge(self._read(message), message)

    def weight(self, message: Message) -> str:
        """TensorProto of a graph: answers its name."""
        tensor = self._read(message)
        self.parameters += _elements(tensor.dims)
        self._judge(tensor, message)
        return tensor.name

    def finish(self) -> None:
        """What is known when all tensors were met."""
        if self.parameters:
            self.examination.fact("parameters", str(self.parameters))
        for path, reach in self.outside.items():
            self.examination.refers_to(path, "tensors", reach)

    def _read(self, message: Message) -> _Tensor:
        tensor = _Tensor(message.start)
        for name, each in self.walk.fields(message, "TensorProto"):
            match name:
                case "name":
                    tensor.name = each.name()
                case "data_type":
                    tensor.data_type = each.integer()
                case "dims":
                    tensor.dims = tensor.dims or _dims(message)
                case "data_location":
                    tensor.location = each.integer()
                case "external_data":
                    key, value = self._external_entry(each.message())
                    if key in tensor.external:
                        self.examination.report(EXTERNAL_KEY, f"{key} twice, the second {value}", offset=each.offset)
                    tensor.external[key] = value
                case "doc_string":
                    pass
                case "segment" | "metadata_props":
                    self.walk.enter(each)
                case _:
                    tensor.values.append((name, each))
        return tensor

    def _judge(self, tensor: _Tensor, message: Message) -> None:
        if tensor.external or tensor.location == _EXTERNAL:
            self._judge_external(tensor)
        else:
            self._judge_own(tensor, message)

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
        if not place:
            self.examination.gap(
                Text("says of a tensor that it lies elsewhere, not where", "张量位于别处，但未注明位置")
            )
            return
        numbers: dict[str, str] = {key: tensor.external[key] for key in ("offset", "length") if key in tensor.external}
        wanted = _bytes_of(tensor)
        start, length = (
            _natural(tensor.external.get(key, default)) for key, default in (("offset", "0"), ("length", ""))
        )
        is_odd = start is None or (length is None and "length" in numbers)
        if is_odd or (length is not None and wanted is not None and length != wanted):
            said = ", ".join(f"{key}={text}" for key, text in numbers.items())
            self.examination.report(
                EXTERNAL_RANGE, f"{shown(tensor.name, 100)}: {said}, needs {wanted} bytes", offset=tensor.offset
            )
        self.refer(place, tensor.offset, (start or 0) + (length or wanted or 0))
        if "basepath" in tensor.external:
            self.refer(tensor.external["basepath"], tensor.offset)

    def refer(self, path: str, offset: int, reach: int = 0) -> None:
        """The runtime opens another file."""
        if leads_out(path):
            self.examination.report(PATH_LEADS_OUT, path, offset=offset)
        if len(self.outside) < _MOST_OUTSIDE or path in self.outside:
            self.outside[path] = max(self.outside.get(path, 0), reach)

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


def _natural(text: str) -> int | None:
    """A number as loaders read it; `None` for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _elements(dims: list[int]) -> int:
    return math.prod(dims) if all(size >= 0 for size in dims) else 0


def _bytes_of(tensor: _Tensor) -> int | None:
    """Bytes that the values take when written raw; `None` for types we do not know."""
    bits = BITS_OF.get(tensor.data_type)
    if tensor.data_type == STRING or bits is None:
        return None
    return (_elements(tensor.dims) * bits + 7) // 8
