"""Formats of text: told by what their first lines say, and by name where their own loaders go by the name.

Python imports `modeling_x.py` because of its name, `docker build` looks for `Dockerfile`, Hugging Face for
`README.md`; so for these the name decides, provided that the bytes are text at all. Everything else is told from the
content, strictly: a text that is taken for YAML and is none would end as a gap.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from touchstone.scan.source import Source
from touchstone.scan.text_encoding import Encoding, encoding_of

_BY_NAME: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r".*\.(md|markdown|mdx)", "markdown"),
        (r".*\.(py|pyi|pyw|pyx)", "python"),
        (r"(dockerfile|containerfile)(\.[\w-]+)?|.*\.(dockerfile|containerfile)", "dockerfile"),
        (r".*(requirements|constraints)[\w.-]*\.(txt|in|pip)|setup\.cfg", "requirements"),
        (r"\.(gitconfig|lfsconfig|gitmodules)", "git-settings"),
        (r"modelfile(\.[\w-]+)?|.*\.modelfile", "modelfile"),
        (r".*\.ipynb", "notebook"),
        (r".*\.toml|pipfile|(poetry|uv|pdm)\.lock", "toml"),
        (r".*\.(jinja|jinja2|j2)|chat_template(\.txt)?", "chat-template"),
        (r".*\.(sh|bash|zsh|ksh|csh|fish|bat|cmd|ps1|psm1|psd1|vbs|wsf|hta|applescript)", "script"),
        (r".*\.(js|mjs|cjs|ts|rb|pl|pm|lua|php|r|jl|scala|groovy|tcl)|makefile|gnumakefile|jenkinsfile", "script"),
        (r".*\.(c|cc|cpp|cxx|cu|cuh|h|hpp|hxx|java|go|rs|swift|m|mm|cs|metal|cl)", "source-code"),
        (r".*\.ya?ml", "yaml"),
        (r".*\.prototxt", "prototxt"),
        (r".*\.(jsonl|ndjson)", "json-lines"),
        (r".*\.json", "json"),
        (r".*\.(htm|html|xhtml)", "html"),
        (r".*\.(rst|tex|log|srt|vtt|po|bib)", "text"),
        (r".*\.(csv|tsv)", "csv"),
    )
)
"""First match wins. What is not listed goes by content."""

_PYTHON_LINE: Final = re.compile(
    r"import [A-Za-z_][\w.]*|from [\w.]+ import |(async )?def [A-Za-z_]\w*\(|class [A-Za-z_]\w*[(:]|@[A-Za-z_][\w.]*"
    r"|if __name__ ?==|(\w+ ?= ?)?(__import__|exec|eval|compile|getattr)\("
)
_PYTHON_PROLOGUE: Final = re.compile(r"\s*(?:(?:#[^\n]*\n|\"\"\".*?\"\"\"|'''.*?''')\s*)*", re.DOTALL)
_JSON: Final = re.compile(r'\s*(\{\s*("|\}|$)|\[\s*([\[\]{"\-0-9tfn]|$))')
_JSON_LINES: Final = re.compile(r'\s*\{"[^\n]*\}\s*\n\s*\{"')
_XML: Final = re.compile(r"\s*(<\?xml[\s?]|<[A-Za-z_][\w:.-]*[\s>/]|<!--|<!DOCTYPE\s)")
_HTML: Final = re.compile(r"\s*(<!DOCTYPE\s+html|<html[\s>]|<head[\s>]|<body[\s>])", re.IGNORECASE)
_TEMPLATE: Final = re.compile(r"\s*(\{%|\{\{|\{#)")
_YAML_LINE: Final = re.compile(
    r"""\s*(\#|-(\s|$)|(\#?[A-Za-z_][\w.\-/]*|"[^"\n]*"|'[^'\n]*')\s?:(\s|$)|[\]}],?$)|\s+\S"""
)
_YAML_KEY: Final = re.compile(r"[A-Za-z_][\w.\-/]*\s?:(\s|$)")
_CAFFE: Final = re.compile(r"^\s*(layers?|input_param|train_param|train_net|net|base_lr)\s*(\{|:)", re.MULTILINE)
_TENSORFLOW_TEXT: Final = re.compile(
    r"\s*(#[^\n]*\n\s*)*(node|meta_graphs|graph_def|meta_info_def|saved_model_schema_version)\s*[:{]"
)
_LONGEST_UNNAMED_PYTHON: Final = 256 * 1024


def recognise_text(source: Source, head: bytes, name: str) -> str | None:
    """Name the format, or `None` when the bytes are no text."""
    encoding = encoding_of(head, whole=source.size <= len(head))
    if encoding is None:
        return None
    text = head[encoding.mark :].decode(encoding.name, "replace")
    named = next((kind for pattern, kind in _BY_NAME if pattern.fullmatch(name)), None)
    if named == "markdown":
        return "model-card" if text.startswith(("---\n", "---\r\n")) else "text"
    if named == "json" and _JSON_LINES.match(text):
        return "json-lines"
    return named or _by_content(_Unnamed(source, encoding, text, is_prose=name.lower().endswith(".txt")))


@dataclass(frozen=True, slots=True)
class _Unnamed:
    """A text whose name says nothing about its format."""

    source: Source
    encoding: Encoding
    text: str
    """Its beginning."""
    is_prose: bool
    """Whether the name says that people read it: then nothing is guessed that prose may look like."""


def _by_content(unnamed: _Unnamed) -> str:
    return next((kind for kind, fits in _BY_CONTENT if fits(unnamed)), "text")


def _closes(source: Source) -> bool:
    """Whether a text that begins like JSON ends like it: `[1] Smith et al.` does not."""
    return source.read(source.size - 64, 64).rstrip()[-1:] in (b"}", b"]")


def _is_python(unnamed: _Unnamed) -> bool:
    """Whether a text without the name of a Python file is one. Prose may begin with the word `import` as well."""
    prologue = _PYTHON_PROLOGUE.match(unnamed.text)
    if not _PYTHON_LINE.match(unnamed.text, prologue.end() if prologue else 0):
        return False
    source, encoding = unnamed.source, unnamed.encoding
    if source.size > _LONGEST_UNNAMED_PYTHON:
        return False
    text = source.read(encoding.mark, source.size).decode(encoding.name, "replace")
    only_syntax_tree = 0x400  # ast.PyCF_ONLY_AST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "file", "exec", only_syntax_tree, dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _is_csv(unnamed: _Unnamed) -> bool:
    """At least two whole rows with the same number (two or more) of comma, semicolon or tab separated fields."""
    import csv
    from itertools import islice

    lines = _whole_lines(unnamed)
    for delimiter in ",;\t":
        if delimiter not in unnamed.text:
            continue
        try:
            widths = {len(row) for row in islice(csv.reader(lines, delimiter=delimiter), 20) if row}
        except csv.Error:
            continue
        if len(lines) >= 2 and len(widths) == 1 and widths.pop() >= 2:
            return True
    return False


def _is_yaml(unnamed: _Unnamed) -> bool:
    """Whether every line could stand in YAML, and at least one in four of the outermost names a key."""
    if unnamed.text.startswith(("%YAML", "---\n", "--- ", "---\r\n")):
        return True
    lines = [line.rstrip("\r\n") for line in _whole_lines(unnamed)[:200] if line.strip()]
    keys = sum(1 for line in lines if _YAML_KEY.match(line))
    outermost = sum(1 for line in lines if not line[0].isspace() and line[0] not in "#-")
    return keys > 0 and keys * 4 >= outermost and all(_YAML_LINE.match(line) for line in lines)


def _whole_lines(unnamed: _Unnamed) -> list[str]:
    """The lines of the beginning, without the one that it cuts off."""
    lines = unnamed.text.splitlines(keepends=True)
    is_cut = unnamed.source.size > len(unnamed.text.encode(unnamed.encoding.name, "replace")) + unnamed.encoding.mark
    return lines[:-1] if is_cut and len(lines) > 2 else lines


def _first_line(unnamed: _Unnamed) -> str:
    return unnamed.text.split("\n", 1)[0]


_BY_CONTENT: Final[tuple[tuple[str, Callable[[_Unnamed], object]], ...]] = (
    ("python", lambda it: it.text.startswith("#!") and "python" in _first_line(it)),
    ("script", lambda it: it.text.startswith("#!")),
    ("git-settings", lambda it: it.text.startswith("[core]")),
    ("lightgbm", lambda it: it.text.startswith(("tree\nversion=", "tree\nnum_class=", "tree\r\nversion="))),
    ("html", lambda it: _HTML.match(it.text)),
    ("xml", lambda it: _XML.match(it.text) and not it.is_prose),
    ("json-lines", lambda it: _JSON_LINES.match(it.text)),
    ("json", lambda it: _JSON.match(it.text) and (not it.is_prose or _closes(it.source))),
    ("chat-template", lambda it: _TEMPLATE.match(it.text)),
    ("python", _is_python),
    ("tensorflow-text", lambda it: _TENSORFLOW_TEXT.match(it.text)),
    ("prototxt", lambda it: _CAFFE.search(it.text) and not it.is_prose and "{" in it.text),
    ("csv", _is_csv),
    ("yaml", lambda it: not it.is_prose and _is_yaml(it)),
)
"""First fit wins."""
