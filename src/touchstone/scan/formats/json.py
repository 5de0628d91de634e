"""JSON: parsed strictly and within bounds, then read by what it says it is.

Model libraries keep everything in JSON: settings, vocabularies, whole models. Which of them a document is follows from
its keys; whatever it is, settings that make a loader run something are looked for in every object of it. A vocabulary
of some ten megabytes is ordinary and is only parsed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from touchstone.scan.configuration import TELLING_KEYS, examine_configuration
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.text_encoding import Decoded, whole_text
from touchstone.text import Text

REPEATED_KEY: Final = Rule(
    id="json/repeated-key",
    severity="medium",
    nature="threat",
    title=Text(
        "The same key stands twice in one object with different values: programs disagree on which one counts",
        "同一对象中同一个键出现两次且取值不同：各程序采用的取值可能不一致",
    ),
    remedy=Text("Ask the author for a file in which every key is unique.", "请作者提供键不重复的文件。"),
    references=("RFC 8259 section 4", "CWE-436"),
)
RULES: Final[tuple[Rule, ...]] = (REPEATED_KEY,)

LARGEST: Final = 64 * 2**20
_MOST_MEMORY: Final = 200 * 2**20
_LONGEST_LOCATED: Final = 4 * 2**20


@dataclass(slots=True)
class JsonReading:
    """A parsed document, and what was noticed while it was parsed."""

    document: Any = None
    telling: bool = False
    """Whether any object has a key that some loader obeys."""
    repeated: list[str] = field(default_factory=list)
    """Keys that occur twice in one object with different values."""
    discarded: list[Any] = field(default_factory=list)
    """The values of those that Python does not keep."""


@dataclass(slots=True)
class Locator:
    """Finds where a text stands in a document. Answers -1 unless it stands there exactly once."""

    decoded: Decoded
    left: int = 200
    """Searches still allowed; a hostile document could ask for millions."""

    def __call__(self, said: str) -> int:
        text = self.decoded.text
        if self.left <= 0 or len(text) > _LONGEST_LOCATED:
            return -1
        self.left -= 1
        written = json.dumps(said, ensure_ascii=False)
        index = text.find(written)
        return self.decoded.offset(index) if index >= 0 and text.find(written, index + 1) < 0 else -1


def read_json(source: Source, examination: Examination) -> None:
    """Read any JSON document."""
    decoded = whole_text(source, LARGEST)
    try:
        reading = parse_json(decoded.text)
    except Unreadable:
        if "!!python/" in decoded.text:  # another loader may take it for YAML, whatever it is called
            import_module("touchstone.scan.formats.yaml").examine_tags(source, examination)
        raise
    locate = Locator(decoded)
    for key in dict.fromkeys(reading.repeated[:100]):
        examination.report(REPEATED_KEY, key)
    if reading.telling:
        examine_configuration(reading.document, examination, locate)
        for value in reading.discarded:
            examine_configuration(value, examination, locate)
    examine_document(reading.document, examination)


def parse_json(text: str) -> JsonReading:
    """Parse a document. Raises `Unreadable` when it is no JSON, nested too deeply or needs too much memory."""
    brackets = text.count("{") * 240 + text.count("[") * 90
    if brackets + text.count(",") * 40 + len(text) > _MOST_MEMORY:
        raise Unreadable(Text("is JSON with too many values to read", "JSON 中的值过多，无法读取"))
    reading = JsonReading()

    def noticed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        settings = dict(pairs)
        if not TELLING_KEYS.isdisjoint(settings):
            reading.telling = True
        if len(settings) != len(pairs):
            _notice_repeated(pairs, settings, reading)
        return settings

    try:
        reading.document = json.loads(text, object_pairs_hook=noticed)
    except RecursionError:
        raise Unreadable(Text("is JSON that is nested too deeply", "JSON 嵌套过深")) from None
    except ValueError:
        raise Unreadable(Text("is not well-formed JSON", "不是格式正确的 JSON")) from None
    return reading


def _notice_repeated(pairs: list[tuple[str, Any]], kept: dict[str, Any], reading: JsonReading) -> None:
    for key, value in pairs:
        if type(value) is not type(kept[key]) or value != kept[key]:
            reading.repeated.append(key)
            reading.discarded.append({key: value})


# ---- what the document is


def examine_document(document: Any, examination: Examination) -> None:
    """Have every reader read the document whose loader would take it: it may be made to fit several."""
    if isinstance(document, dict):
        for keys, module, function in _KINDS:
            if keys <= document.keys():
                getattr(import_module(f"touchstone.scan.{module}"), function)(document, examination)
    elif isinstance(document, list):
        from touchstone.scan.hugging_face import examine_module_list

        examine_module_list(document, examination)


_KINDS: Final[tuple[tuple[frozenset[str], str, str], ...]] = (
    (frozenset({"cells", "nbformat"}), "formats.notebook", "examine_notebook"),
    (frozenset({"learner", "version"}), "formats.xgboost", "examine_xgboost_json"),
    (frozenset({"nodes", "arg_nodes", "heads"}), "formats.mxnet", "examine_symbol_json"),
    (frozenset({"base_code", "program"}), "formats.paddle", "examine_pir_json"),
    (frozenset({"class_name", "config"}), "formats.keras", "examine_config"),
    (frozenset({"modelTopology"}), "hugging_face", "examine_tensorflow_js"),
    (frozenset({"name", "version", "scripts"}), "node_packages", "examine_scripts"),
    (frozenset({"name", "version", "dependencies"}), "node_packages", "examine_dependencies"),
    (frozenset(), "hugging_face", "examine_settings"),
)
"""The keys a document has, then the module below `touchstone.scan` and the function that reads such a document."""
