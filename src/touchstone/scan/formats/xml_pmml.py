"""PMML: models as XML. What is not arithmetic is a function of another name, or an extension of some vendor.

JPMML, the evaluator most in use, takes a function whose name has dots for the name of a Java class and loads it.

Source: https://dmg.org/pmml/v4-4-1/GeneralStructure.html; https://github.com/jpmml/jpmml-evaluator (user-defined
functions).
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.xml_dialect import Dialect
from touchstone.text import Text

CLASS_FUNCTION: Final = Rule(
    "pmml/class-function",
    "high",
    "unreviewed",
    Text("A function that an evaluator loads as a Java class of that name", "求值器会按同名 Java 类加载的函数"),
    Text("Review the class, or export the model without it.", "审查该类，或去掉后重新导出。"),
    ("CWE-470",),
)
CODE_IN_EXTENSION: Final = Rule(
    "pmml/code-in-extension",
    "medium",
    "threat",
    Text("An extension holds program text", "扩展元素中含有程序代码"),
    Text("Remove the extension unless you know what reads it.", "除非清楚由谁读取，否则请删除该扩展。"),
    ("CWE-94",),
)
RULES: Final[tuple[Rule, ...]] = (CLASS_FUNCTION, CODE_IN_EXTENSION)

_CODE: Final = re.compile(
    r"Runtime\s*\.\s*getRuntime|ProcessBuilder|java\.lang\.(Runtime|System|Class)|Class\.forName|javax\.script"
    r"|__import__|os\.system|subprocess|\beval\s*\(|\bexec\s*\(|<script|require\s*\(|function\s*\(|\$\{[^}]*\(",
    re.IGNORECASE,
)
_LONGEST_TEXT: Final = 64 * 1024


class Pmml(Dialect):
    """One document."""

    name = "pmml"

    def __init__(self, examination: Examination) -> None:
        super().__init__(examination)
        self._extensions = 0
        """Extensions we are within."""
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str], offset: int) -> None:
        """Functions, extensions, and what the document says about itself."""
        match tag:
            case "PMML":
                self.examination.fact("framework", f"pmml {attributes.get('version', '')}".strip())
            case "Application":
                self.examination.fact(
                    "producer", f"{attributes.get('name', '')} {attributes.get('version', '')}".strip()
                )
            case "DataField":
                self.examination.fact("input", f"{attributes.get('name', '')}: {attributes.get('dataType', '')}")
            case "Apply":
                function = attributes.get("function", "")
                if "." in function:
                    self.examination.report(CLASS_FUNCTION, function, offset=offset)
            case "Extension":
                self._extensions += 1
        if tag.endswith("Model") and "modelName" in attributes:
            self.examination.fact("name", attributes["modelName"])
        if self._extensions:
            self._look(" ".join(attributes.values()), offset)
            if "script" in tag.lower():
                self.examination.report(CODE_IN_EXTENSION, tag, offset=offset)

    def text(self, text: str) -> None:
        """Text within an extension, which parsers hand out in pieces."""
        if self._extensions and sum(map(len, self._text)) < _LONGEST_TEXT:
            self._text.append(text)

    def end(self, tag: str) -> None:
        """The end of an extension: its text is whole now."""
        if tag == "Extension":
            self._extensions -= 1
            self._look("".join(self._text), -1)
            self._text.clear()

    def _look(self, text: str, offset: int) -> None:
        found = _CODE.search(text)
        if found is not None:
            start = max(found.start() - 40, 0)
            self.examination.report(CODE_IN_EXTENSION, text[start : start + 200], offset=offset)
