"""OpenVINO graphs (`.xml` beside a `.bin` of weights).

Operators of the numbered sets come with OpenVINO; those of other sets come from extension libraries, which are native
code. Constants lie in the `.bin` at an offset and of a size that must fit their type and shape.

Source: https://docs.openvino.ai, "Intermediate Representation" and "Operation Sets".
"""

from __future__ import annotations

import math
import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.formats.xml_dialect import Dialect
from touchstone.text import Text

EXTENSION: Final = Rule(
    "openvino/extension-operator",
    "high",
    "unreviewed",
    Text("Needs an operator of an extension library, which is native code", "需要扩展库中的算子，扩展库为本机代码"),
    Text("Review the library that provides the operator.", "审查提供该算子的库。"),
    ("CWE-829", "AML.T0011"),
)
SIZE_MISMATCH: Final = Rule(
    "openvino/size-mismatch",
    "high",
    "threat",
    Text("The place of a constant does not fit its type and shape", "常量的位置与类型、形状不符"),
    Text("Convert the model again and use that file.", "请重新转换模型并使用新文件。"),
    ("CWE-125",),
)
RULES: Final[tuple[Rule, ...]] = (EXTENSION, SIZE_MISMATCH)

_OPERATOR_SETS: Final = re.compile(r"opset[1-9]\d?|experimental")
_BITS: Final = {
    "boolean": 8, "u1": 1, "u2": 2, "u3": 3, "u4": 4, "i4": 4, "nf4": 4, "f4e2m1": 4, "u6": 6, "u8": 8, "i8": 8,
    "f8e4m3": 8, "f8e5m2": 8, "f8e8m0": 8, "u16": 16, "i16": 16, "f16": 16, "bf16": 16, "u32": 32, "i32": 32,
    "f32": 32, "u64": 64, "i64": 64, "f64": 64,
}  # fmt: skip
_ODD_WIDTHS: Final = frozenset({"u3", "u6"})
"""Types that are packed in groups, so that sizes round up."""


class OpenVino(Dialect):
    """One graph."""

    name = "openvino"

    def __init__(self, examination: Examination) -> None:
        super().__init__(examination)
        self._layer: dict[str, str] = {}
        self._parameters = 0
        self._reach = -1
        """How long the file of weights must be; -1 when none is needed."""

    def start(self, tag: str, attributes: dict[str, str], offset: int) -> None:
        """Layers, and the data of layers."""
        match tag:
            case "net":
                self.examination.fact("name", attributes.get("name", ""))
                self.examination.fact("operator-set", f"openvino-ir {attributes.get('version', '')}")
            case "Runtime_version":
                self.examination.fact("producer", f"openvino {attributes.get('value', '')}")
            case "layer":
                self._layer = attributes
                self._judge_layer(attributes, offset)
            case "data":
                self._judge_data(attributes, offset)
            case "weights" | "biases" | "custom" if "offset" in attributes:
                self._need(_natural(attributes["offset"]), _natural(attributes.get("size", "")))

    def finish(self) -> None:
        """Facts that need the whole graph."""
        self.examination.fact("framework", "openvino")
        if self._parameters:
            self.examination.fact("parameters", str(self._parameters))
        if self._reach >= 0 and self.examination.name.endswith(".xml"):
            self.examination.refers_to(f"{self.examination.name.removesuffix('.xml')}.bin", "tensors", self._reach)

    def _judge_layer(self, layer: dict[str, str], offset: int) -> None:
        operator_set = layer.get("version")
        if operator_set is not None and _OPERATOR_SETS.fullmatch(operator_set) is None:
            self.examination.report(EXTENSION, f"{operator_set}::{layer.get('type', '')}", offset=offset)
        if layer.get("type") == "Result":
            self.examination.fact("output", layer.get("name", ""))

    def _need(self, place: int | None, size: int | None) -> None:
        self._reach = max(self._reach, (place or 0) + (size or 0))

    def _judge_data(self, data: dict[str, str], offset: int) -> None:
        kind, shape = data.get("element_type", ""), data.get("shape", "")
        if self._layer.get("type") == "Parameter":
            self.examination.fact("input", f"{self._layer.get('name', '')}: {kind}[{shape}]")
        if self._layer.get("type") != "Const" or "offset" not in data:
            return
        place, size = _natural(data["offset"]), _natural(data.get("size", ""))
        self._need(place, size)
        sizes = [_natural(each) for each in shape.split(",")] if shape.strip() else []
        known = [each for each in sizes if each is not None]
        elements = math.prod(known) if len(known) == len(sizes) else None
        wanted = None if elements is None or kind not in _BITS else (elements * _BITS[kind] + 7) // 8
        wrong = place is None or size is None or elements is None
        if wrong or (wanted is not None and kind not in _ODD_WIDTHS and size != wanted):
            name = shown(self._layer.get("name", ""), 100)
            self.examination.report(
                SIZE_MISMATCH, f"{name}: {kind}[{shape}] in {data.get('size')} bytes at {data['offset']}", offset=offset
            )
        self._parameters += elements or 0


def _natural(text: str) -> int | None:
    """A number as OpenVINO writes it; `None` for anything else, for it is read with `stoull`."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
