"""Model and dataset cards: Markdown with YAML in front (Hugging Face Hub, "Model cards")."""

from __future__ import annotations

import re
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import FactName, Rule
from touchstone.scan.formats.text import read_text
from touchstone.scan.source import Source
from touchstone.scan.text_encoding import LONGEST_TEXT, Decoded, Encoding, encoding_of
from touchstone.text import Text

SCRIPT: Final = Rule(
    id="model-card/script",
    severity="low",
    nature="unreviewed",
    title=Text("Holds a script for the browser that shows it", "含有供浏览器执行的脚本"),
    remedy=Text("Remove it, or show the card as plain text only.", "请删除，或仅以纯文本显示模型卡。"),
    references=("CWE-79",),
)
RULES: Final[tuple[Rule, ...]] = (SCRIPT,)

_LONGEST_FRONT: Final = 2**20
_FRONT: Final = re.compile(r"---\r?\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL)
_SCRIPT: Final = re.compile(
    rb"<script[\s>][^\n]{0,100}|<\w+\s[^>\n]{0,200}\son(?:load|error|click|mouseover)\s*=", re.IGNORECASE
)

_FACTS: Final[tuple[tuple[str, FactName], ...]] = (
    ("license", "licence"),
    ("license_name", "licence"),
    ("datasets", "dataset"),
    ("base_model", "base-model"),
    ("language", "language"),
    ("pipeline_tag", "task"),
    ("task_categories", "task"),
    ("library_name", "framework"),
    ("model_name", "name"),
    ("pretty_name", "name"),
    ("license_link", "source"),
)


def read_card(source: Source, examination: Examination) -> None:
    """The settings in front say what the model is; the text below is text."""
    read_text(source, examination)
    script = _SCRIPT.search(source.read(0, LONGEST_TEXT))
    if script:
        examination.report(SCRIPT, script.group().decode("latin-1"), offset=script.start())
    data = source.read(0, _LONGEST_FRONT)
    encoding = encoding_of(data, whole=source.size <= len(data)) or Encoding("utf-8")
    front = _FRONT.match(data[encoding.mark :].decode(encoding.name, "replace"))
    if front is None:
        return  # a thematic break at the top of ordinary Markdown
    from touchstone.scan.formats.yaml import examine_yaml

    lead = len(front.group().partition("\n")[0]) + 1
    reading = examine_yaml(Decoded(front[1] or "", Encoding(encoding.name, encoding.mark + lead)), examination)
    if reading.broken is not None:
        examination.gap(Text("the settings in front are not well-formed YAML", "开头的设置不是格式正确的 YAML"))
    for document in reading.documents:
        if isinstance(document, dict):
            _state_facts(document, examination)


def _state_facts(card: dict[str, Any], examination: Examination) -> None:
    for key, name in _FACTS:
        value = card.get(key)
        for entry in (value if isinstance(value, list) else [value])[:200]:
            if isinstance(entry, str):
                examination.fact(name, entry)
