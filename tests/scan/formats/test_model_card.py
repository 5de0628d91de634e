"""Model cards: settings in front become facts, text below is text."""

from __future__ import annotations

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

CARD = """---
license: apache-2.0
language: [en, zh]
datasets:
- wikipedia
base_model: Qwen/Qwen2-7B
pipeline_tag: text-generation
library_name: transformers
tags: [a]
widget:
- text: "Hello"
---
# 模型

```python
import os
os.system("ls")
```
---
More text: with a colon.
"""


def scan(text: str) -> FileResult:
    return scan_bytes(text.encode(), "README.md")


def test_a_card_is_clean_and_states_facts() -> None:
    result = scan(CARD)
    assert (result.format, result.verdict, result.findings) == ("model-card", "clean", ())
    assert {(fact.name, fact.value) for fact in result.facts} == {
        ("licence", "apache-2.0"),
        ("language", "en"),
        ("language", "zh"),
        ("dataset", "wikipedia"),
        ("base-model", "Qwen/Qwen2-7B"),
        ("task", "text-generation"),
        ("framework", "transformers"),
    }


def test_windows_lines_are_the_same() -> None:
    assert scan(CARD.replace("\n", "\r\n")).facts == scan(CARD).facts


def test_tags_in_front_are_found_with_their_place() -> None:
    text = "---\nlicense: mit\nx: !!python/name:os.getpid ''\n---\n"
    (finding,) = scan(text).findings
    assert (finding.rule, finding.severity) == ("yaml/python-object", "critical")
    assert text.encode()[finding.offset :].startswith(b"!!python")


def test_scripts_for_the_browser() -> None:
    for script in ("<script>planted()</script>", "<img src=x onerror=planted()>"):
        (finding,) = scan(CARD + script).findings
        assert (finding.rule, finding.severity) == ("model-card/script", "low")


def test_broken_settings_are_a_gap_and_a_rule_line_is_none() -> None:
    assert scan("---\na: [\n---\ntext\n").verdict == "incomplete"
    assert scan("---\nJust a line above the text\n").verdict == "clean"
    assert scan("---\n---\n").verdict == "clean"
