"""Jupyter notebooks: cells of code that somebody will run, and their outputs, which a browser shows.

All Python cells are judged together as one program, for what is imported in one is used in the next. Commands to the
shell (`!…`, `%%bash`) are judged like scripts. Nothing runs until a person runs it, so a notebook by itself is a
finding of low severity, as other programs are.
"""

from __future__ import annotations

import re
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.python import examine_python, parses
from touchstone.scan.formats.script import examine_commands
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.text_encoding import Decoded, Encoding, whole_text
from touchstone.text import Text

PROGRAM: Final = Rule(
    id="notebook/program",
    severity="low",
    nature="unreviewed",
    title=Text("Is a notebook with code that nobody has reviewed", "是含有未经审查代码的笔记本"),
    remedy=Text("Read the cells before anybody runs them.", "运行前请先审阅各单元格。"),
    references=("MITRE ATLAS AML.T0011.000",),
)
RUNS_FILE: Final = Rule(
    id="notebook/runs-file",
    severity="low",
    nature="unreviewed",
    title=Text("Runs another file", "运行其他文件"),
    remedy=Text("Read that file too.", "请一并审阅该文件。"),
    references=(),
)
ACTIVE_OUTPUT: Final = Rule(
    id="notebook/active-output",
    severity="information",
    nature="information",
    title=Text("An output holds a script for the browser", "输出中含有供浏览器执行的脚本"),
    remedy=Text(
        "Clear the outputs before sharing; do not trust the notebook.", "分享前请清除输出；不要将笔记本设为受信任。"
    ),
    references=("CWE-79",),
)
RULES: Final[tuple[Rule, ...]] = (PROGRAM, RUNS_FILE, ACTIVE_OUTPUT)

LARGEST: Final = 64 * 2**20

_SHELL_LINE: Final = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?!+(.*)$")
_MAGIC_LINE: Final = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?%(\w+)\s*(.*)$")
_CELL_MAGIC: Final = re.compile(r"\s*%%\s*(\w+)[^\n]*\n?")
_OPTIONS: Final = re.compile(r"^(?:-\w+\s+\d*\s*)+")
_HELP_LINE: Final = re.compile(r"^\s*\??\?[\w.]+\s*$|^\s*[\w.]+\?\??\s*$")
_SHELLS: Final = frozenset({"bash", "sh", "script", "cmd", "powershell", "system", "sx", "ruby", "perl"})
_PYTHON_MAGICS: Final = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "debug", "memit"})
_SCRIPT: Final = re.compile(r"<script|javascript:|on(?:load|error|click)\s*=", re.IGNORECASE)


def read_notebook(source: Source, examination: Examination) -> None:
    """A file that is named like a notebook."""
    from touchstone.scan.formats.json import parse_json

    document = parse_json(whole_text(source, LARGEST).text).document
    if not isinstance(document, dict) or not isinstance(document.get("cells", document.get("worksheets")), list):
        raise Unreadable(Text("is not a Jupyter notebook", "不是 Jupyter 笔记本"))
    examine_notebook(document, examination)


def examine_notebook(document: dict[str, Any], examination: Examination) -> None:
    """Judge the cells and look at their outputs."""
    examination.runs_code()
    cells = _cells(document)
    code = [_text(cell.get("source", cell.get("input"))) for cell in cells if cell.get("cell_type") == "code"]
    is_python = _language(document) in {"", "python", "python3", "ipython"}
    if any(text.strip() for text in code):
        examination.report(PROGRAM, f"{len(code)} cells of code")
    python = []
    for text in code:
        examination.budget.check_time()
        cell = _python_of(text, examination) if is_python else ""
        if not is_python:
            examine_commands(text, examination)
        if cell.strip():
            python.append(cell)
    _judge_python(python, examination)
    for shown_cell in cells:
        outputs = shown_cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            _look_at_output(output, examination)


def _judge_python(cells: list[str], examination: Examination) -> None:
    readable = [cell for cell in cells if parses(cell)]
    if len(readable) < len(cells):
        examination.gap(Text("a cell is not Python 3 source", "某单元格不是 Python 3 源码"))
    if readable:
        joined = "\n".join(readable)
        examine_python(Decoded(joined, Encoding("utf-8")), examination.inside("cells"), nested=1)


def _python_of(text: str, examination: Examination) -> str:
    """The Python in a cell, with what IPython handles otherwise judged and blanked."""
    magic = _CELL_MAGIC.match(text)
    if magic:
        rest = text[magic.end() :]
        if magic[1] in _SHELLS:
            examine_commands(rest, examination)
            return ""
        if magic[1] not in _PYTHON_MAGICS:
            return ""  # text for a file, a page or another language
        text = rest
    return "\n".join(_python_line(line, examination) for line in text.split("\n"))


def _python_line(line: str, examination: Examination) -> str:
    shell = _SHELL_LINE.match(line)
    if shell:
        examine_commands(shell[2], examination)
        return f"{shell[1]}pass"
    magic = _MAGIC_LINE.match(line)
    if magic:
        indent, name, rest = magic.groups()
        if name in {"run", "load", "loadpy", "macro"}:
            examination.report(RUNS_FILE, line.strip())
        elif name in {"system", "sx", "sc", "bash", "sh"}:
            examine_commands(rest, examination)
        elif name in {"time", "timeit", "prun"}:
            return indent + (_OPTIONS.sub("", rest) or "pass")
        return f"{indent}pass"
    return "pass" if _HELP_LINE.match(line) else line


def _look_at_output(output: Any, examination: Examination) -> None:
    data = output.get("data") if isinstance(output, dict) else None
    for kind, content in data.items() if isinstance(data, dict) else ():
        text = _text(content)
        if kind == "application/javascript" or (kind in {"text/html", "image/svg+xml"} and _SCRIPT.search(text)):
            examination.report(ACTIVE_OUTPUT, f"{kind}: {text[:100]}")
            return


def _cells(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Cells of a notebook of any version; version 3 kept them in worksheets."""
    sheets = document.get("worksheets")
    groups = [document, *(sheets if isinstance(sheets, list) else ())]
    groups = [group.get("cells") for group in groups if isinstance(group, dict)]
    return [cell for group in groups if isinstance(group, list) for cell in group if isinstance(cell, dict)]


def _language(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        group = metadata.get(key)
        if isinstance(group, dict) and isinstance(group.get(name), str):
            return str(group[name]).lower()
    return ""


def _text(value: Any) -> str:
    """A text, which notebooks may store as a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
