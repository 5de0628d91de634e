"""Reading YAML that someone else wrote: a small, strict part of the language, and the line of every value.

Only the parser's events are used, never its object constructors, so no document can make an object, call a
function or expand into more than it says. What is left is what people mean when they write a form: mappings with
text keys, lists and scalars of the YAML 1.2 core schema (`no` and `2026-11-23` are text, `true` and `3` are not).

    document = read_yaml(Path("system.yaml"))
    document.value["model"]["format"]
    document.line_of(("model", "format"))
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from touchstone.canonical import LARGEST_SAFE_INTEGER
from touchstone.errors import UserError
from touchstone.files import open_regular
from touchstone.text import Text

LARGEST_BYTES = 4 * 1024 * 1024
DEEPEST = 32
MOST_NODES = 200_000

FieldPath = tuple[str | int, ...]
"""Where a value stands in a document: `("data", "test", "sensitive", 0)`."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.2 `c-printable`, less the line separators that editors and parsers count differently, byte-order marks
# inside the text, and the controls that show text in another order than it is read (CVE-2021-42574).
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)

# YAML 1.2.2, section 10.3.2.
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"(?P<decimal>[-+]?[0-9]+)|0o(?P<octal>[0-7]+)|0x(?P<hexadecimal>[0-9a-fA-F]+)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN", re.ASCII)
_LONGEST_NUMBER = 400

_TOO_DEEP = (
    Text(f"is nested deeper than {DEEPEST} levels", f"嵌套超过 {DEEPEST} 层"),
    Text("check that this is the right file, and its brackets", "请确认文件无误，并检查括号"),
)
_KEEP_OUT = Text("keep data out of the document and refer to it by path", "请勿把数据写进文档，改为引用路径")


class DocumentError(UserError):
    """A YAML document cannot be read, or uses a part of the language that is not accepted."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document that was read: its plain value, and the line on which each part of it stands.

    `value` holds only `dict` with `str` keys, `list`, `str`, `int`, `float`, `bool` and `None`.
    """

    where: str
    value: Any
    lines: Mapping[FieldPath, int] = field(repr=False)

    def line_of(self, path: FieldPath) -> int:
        """Line of the value at `path`, counted from 1: that of its key, or of its first character in a list.

        A path that is not in the document gives the line of its nearest ancestor that is.
        """
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def at(self, path: FieldPath) -> str:
        """`file:line` of the value at `path`, for messages."""
        return f"{self.where}:{self.line_of(path)}"


def read_yaml(path: Path) -> SourceDocument:
    """Read one YAML file. Raises `FileError` when it cannot be opened and `DocumentError` when it is not accepted."""
    with open_regular(path) as stream:
        return parse_yaml(stream.read(LARGEST_BYTES + 1), str(path))


def parse_yaml(data: bytes, where: str) -> SourceDocument:
    """Parse one YAML document. Raises `DocumentError` naming `where` and the line."""
    text = _decode(data, where)
    builder = _Builder(where)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, where) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # The pure-Python scanner lets `chr()` and `int()` fail on absurd escapes and directives.
        raise DocumentError(
            Text("is not valid YAML", "不是合法的 YAML"),
            where,
            Text("check that this is the right file", "请确认文件无误"),
        ) from None
    return builder.document()


def _decode(data: bytes, where: str) -> str:
    if len(data) > LARGEST_BYTES:
        raise DocumentError(
            Text(f"is larger than {LARGEST_BYTES} bytes", f"大于 {LARGEST_BYTES} 字节"),
            where,
            _KEEP_OUT,
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            Text(f"is not UTF-8 at byte {error.start}", f"第 {error.start} 字节不是 UTF-8 编码"),
            f"{where}:{line}",
            Text("save the file as UTF-8", "请以 UTF-8 编码保存文件"),
        ) from None
    _refuse_unprintable(text, where, first_line=1)
    return text


def _refuse_unprintable(text: str, where: str, first_line: int) -> None:
    found = _UNPRINTABLE.search(text)
    if found is not None:
        line = first_line + text.count("\n", 0, found.start())
        code = f"U+{ord(found.group()):04X}"
        raise DocumentError(
            Text(f"holds the invisible character {code}", f"含不可见字符 {code}"),
            f"{where}:{line}",
            Text("remove it", "请删除该字符"),
        )


def _line(mark: object) -> int:
    """Line of a mark, counted from 1. The C and the Python parser have marks of different types."""
    return 1 + int(getattr(mark, "line", 0))


def _syntax_error(error: yaml.MarkedYAMLError, text: str, where: str) -> DocumentError:
    number = _line(error.problem_mark or error.context_mark)
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return DocumentError(
            Text("is indented with a tab", "使用了制表符缩进"),
            f"{where}:{number}",
            Text("indent with spaces", "请改用空格缩进"),
        )
    if error.problem is not None and "nesting depth" in error.problem:  # the parser's own limit, where it has one
        return DocumentError(_TOO_DEEP[0], f"{where}:{number}", _TOO_DEEP[1])
    problem = ": ".join(part for part in (error.context, error.problem) if part)
    return DocumentError(
        Text(f"is not valid YAML: {problem}", f"不是合法的 YAML：{problem}"),
        f"{where}:{number}",
        Text(
            "check quotes, brackets, colons and indentation on this line and the one before",
            "请检查本行及上一行的引号、括号、冒号和缩进",
        ),
    )


@dataclass(slots=True)
class _Collection:
    """A mapping or list whose end has not come yet, and the place in it where the next value goes."""

    value: dict[str, Any] | list[Any]
    path: FieldPath
    awaits_key: bool
    key: str = ""

    def put(self, value: object) -> FieldPath:
        """Put the next value in its place and return its path."""
        if isinstance(self.value, list):
            self.value.append(value)
            return (*self.path, len(self.value) - 1)
        self.value[self.key] = value
        self.awaits_key = True
        return (*self.path, self.key)


class _Builder:
    """Takes the parser's events one by one and builds the value. Keeps its own stack, so no depth can exhaust ours."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._documents = 0
        self._nodes = 0
        self._value: Any = None
        self._lines: dict[FieldPath, int] = {}
        self._open: list[_Collection] = []

    def document(self) -> SourceDocument:
        """What was built, once all events are taken."""
        if self._value is None:
            raise DocumentError(
                Text("is empty", "内容为空"),
                self._where,
                Text("check that this is the right file, and that it was saved", "请确认文件无误且已保存"),
            )
        return SourceDocument(self._where, self._value, MappingProxyType(self._lines))

    def take(self, event: yaml.Event) -> None:
        """Take the next event. Raises `DocumentError` for a part of the language that is not accepted."""
        line = _line(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refuse(
                    line,
                    Text("starts a second document", "出现第二个文档"),
                    Text("keep one document per file", "每个文件只保留一个文档"),
                )
        elif isinstance(event, yaml.NodeEvent):
            self._count(line)
            self._refuse_references(event, line)
            self._node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _node(self, event: yaml.NodeEvent, line: int) -> None:
        awaits_key = bool(self._open) and self._open[-1].awaits_key
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, line)
            if awaits_key:
                self._start_entry(self._open[-1], value, line)
            else:
                self._place(value, line)
            return
        if awaits_key:
            raise self._refuse(
                line, Text("uses a collection as a key", "以集合作为键"), Text("keys are text", "键必须是文本")
            )
        if len(self._open) == DEEPEST:
            raise self._refuse(line, *_TOO_DEEP)
        if isinstance(event, yaml.MappingStartEvent):
            mapping: dict[str, Any] = {}
            self._open.append(_Collection(mapping, self._place(mapping, line), awaits_key=True))
        else:
            items: list[Any] = []
            self._open.append(_Collection(items, self._place(items, line), awaits_key=False))

    def _start_entry(self, holder: _Collection, key: object, line: int) -> None:
        if not isinstance(key, str):
            raise self._refuse(
                line,
                Text(f"uses {key!r} as a key", f"以 {key!r} 作为键"),
                Text("keys are text: put it in quotes", "键必须是文本：请加引号"),
            )
        path = (*holder.path, key)
        if path in self._lines:
            before = self._lines[path]
            raise self._refuse(
                line,
                Text(
                    f"has the key {key[:80]!r} a second time; the first is on line {before}",
                    f"键 {key[:80]!r} 重复出现；首次出现在第 {before} 行",
                ),
                Text("keep one of the two", "请只保留其中一个"),
            )
        self._lines[path] = line
        holder.key = key
        holder.awaits_key = False

    def _place(self, value: object, line: int) -> FieldPath:
        """Put a value where it belongs and return its path. A mapping's value keeps the line of its key."""
        if not self._open:
            self._value = value
        path = self._open[-1].put(value) if self._open else ()
        self._lines.setdefault(path, line)
        return path

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Any:
        text: str = event.value
        _refuse_unprintable(text, self._where, first_line=line)
        if event.style:  # quoted or block: always text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if integer := _INTEGER.fullmatch(text):
            return self._integer(integer, line)
        if _FLOAT.fullmatch(text):
            return self._float(text, line)
        if _NOT_FINITE.fullmatch(text):
            raise self._refuse(
                line,
                Text(f"holds {text}, which is not a number", f"含 {text}，不是有限数值"),
                Text("write a finite number, or leave the field out", "请填写有限数值，或省略该字段"),
            )
        return text

    def _integer(self, found: re.Match[str], line: int) -> int:
        if len(found.group()) <= _LONGEST_NUMBER:
            base = {"decimal": 10, "octal": 8, "hexadecimal": 16}[found.lastgroup or "decimal"]
            value = int(found.group(found.lastgroup or "decimal"), base)
            if abs(value) <= LARGEST_SAFE_INTEGER:
                return value
        raise self._refuse(
            line,
            Text("holds an integer beyond 2^53", "整数超过 2^53"),
            Text("if it is an identifier, put it in quotes", "若为标识符，请加引号"),
        )

    def _float(self, text: str, line: int) -> float:
        if len(text) <= _LONGEST_NUMBER:
            value = float(text)
            if math.isfinite(value):
                return value
        raise self._refuse(
            line,
            Text("holds a number too large to keep", "数值过大"),
            Text("if it is an identifier, put it in quotes", "若为标识符，请加引号"),
        )

    def _count(self, line: int) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise self._refuse(
                line, Text(f"holds more than {MOST_NODES} values", f"含超过 {MOST_NODES} 个值"), _KEEP_OUT
            )

    def _refuse_references(self, event: yaml.NodeEvent, line: int) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            mark = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise self._refuse(
                line,
                Text(f"uses {mark}{event.anchor}", f"使用了 {mark}{event.anchor}"),
                Text(
                    "anchors and aliases are not accepted: write the value out; text that starts with & or * is quoted",
                    "不接受锚点与别名：请直接写出值；以 & 或 * 开头的文本须加引号",
                ),
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._refuse(
                line,
                Text(f"uses the tag {tag[:80]!r}", f"使用了标签 {tag[:80]!r}"),
                Text(
                    "tags are not accepted: remove it, or put text that starts with ! in quotes",
                    "不接受标签：请删除；以 ! 开头的文本须加引号",
                ),
            )

    def _refuse(self, line: int, what: Text, remedy: Text | None = None) -> DocumentError:
        return DocumentError(what, f"{self._where}:{line}", remedy)
