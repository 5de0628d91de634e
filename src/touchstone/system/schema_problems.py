"""What does not fit the schema of `system.yaml` or of a register, said in words a person can act on.

Pydantic finds the problems; here each becomes one sentence that names the field, what was expected, what was found,
and an example. The expectations are read from the JSON Schema, so they can never differ from what is checked.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from touchstone.documents import FieldPath
from touchstone.system.description import SystemDescription
from touchstone.system.meanings import MEANINGS
from touchstone.system.problem import Problem, dotted, shown
from touchstone.text import Text

Node = Mapping[str, Any]
"""One node of a JSON Schema."""

Root = type[BaseModel]
"""The record a document must fit."""


def schema_problems(error: ValidationError, root: Root = SystemDescription) -> Iterator[Problem]:
    """Every problem pydantic found, one per field, in the order of the schema."""
    said: set[FieldPath] = set()
    for details in error.errors(include_url=False, include_context=True):
        problem = _problem(details, root)
        if problem.at not in said:
            said.add(problem.at)
            yield problem


@cache
def schema(root: Root = SystemDescription) -> dict[str, Any]:
    """JSON Schema of `system.yaml`, or of another record."""
    return root.model_json_schema(by_alias=True)


def field_at(path: FieldPath, root: Root = SystemDescription) -> tuple[FieldPath, str, Node]:
    """The schema of one field: the part of `path` the schema knows, the field's key in `MEANINGS`, and its node."""
    model, meaning = root.__name__, root.__name__
    node: Node = schema(root)
    known: list[str | int] = []
    for part in path:
        if isinstance(part, str) and part in node.get("properties", {}):
            meaning, following = f"{model}.{part}", node["properties"][part]
        elif isinstance(part, str) and isinstance(_named_by_user(node), Mapping):
            following = _named_by_user(node)
        elif isinstance(part, int) and "items" in node:
            following = node["items"]
        else:
            break
        model, node = _resolved(model, following, root)
        known.append(part)
    return tuple(known), meaning, node


def _named_by_user(node: Node) -> Any:
    """The schema of a mapping's values, where the names are the applicant's own."""
    patterns = node.get("patternProperties", {})
    return next(iter(patterns.values()), node.get("additionalProperties"))


def _resolved(model: str, node: Node, root: Root) -> tuple[str, Node]:
    """The node behind references and `or null`, and the model it belongs to. Keeps what the outer node says."""
    options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
    if len(options) == 1:
        model, inner = _resolved(model, options[0], root)
        return model, {**inner, **{key: value for key, value in node.items() if key != "anyOf"}}
    if "$ref" in node:
        model = node["$ref"].rsplit("/", 1)[-1]
        return model, {**schema(root)["$defs"][model], **node}
    return model, node


def _problem(details: ErrorDetails, root: Root) -> Problem:
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown_field(tuple(details["loc"]), root)
    at, meaning, node = field_at(tuple(details["loc"]), root)
    if kind == "missing":
        return Problem(at, Text("is missing", "缺失"), _advice(at, meaning, node))
    context = details.get("ctx", {})
    advice = _advice(at, meaning, node)
    found = details["input"]
    if details["loc"][-1:] == ("[key]",):
        found, at = details["loc"][-2], tuple(details["loc"][:-1])
    expected = _EXPECTED.get(kind)
    if expected is None:
        return Problem(at, Text(details["msg"], context.get("zh", f"不合规定：{details['msg']}")), advice)
    wanted = _ANY_FACT if "anyOf" in node else expected(context, node)
    what = Text(f"expected {wanted.en}, found {_kind(found).en}", f"应为{wanted.zh}，实为{_kind(found).zh}")
    if kind == "string_type" and isinstance(found, bool | int | float):
        quoted = f'{at[-1]}: "{shown(found)}"' if isinstance(at[-1], str) else f'"{shown(found)}"'
        return Problem(at, what, Text(f"put it in quotes: {quoted}", f"请加引号：{quoted}"))
    return Problem(at, what, advice)


def _unknown_field(path: FieldPath, root: Root) -> Problem:
    """A field the schema does not have: a typing mistake, a field in the wrong place, or an invention."""
    name = str(path[-1])
    _, _, parent = field_at(path[:-1], root)
    known = list(parent.get("properties", {}))
    what = Text("is not a known field", "不是已知字段")
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    homes = [dotted(home) for home in _homes(root).get(name, [])]
    if close:
        return Problem(path, what, Text(f"did you mean `{close[0]}`?", f"是否应为 `{close[0]}`？"))
    if homes:
        places = ", ".join(f"`{home}`" for home in homes[:4])
        return Problem(path, what, Text(f"it belongs at {places}", f"它应位于 {places}"))
    listed = ", ".join(known)
    return Problem(path, what, Text(f"known here: {listed}", f"此处可用：{listed}"))


@cache
def _homes(root: Root) -> dict[str, list[FieldPath]]:
    """Where each field name belongs, from the schema."""
    homes: dict[str, list[FieldPath]] = {}

    def visit(path: FieldPath, node: Node) -> None:
        for name, child in node.get("properties", {}).items():
            homes.setdefault(name, []).append((*path, name))
            visit((*path, name), _resolved("", child, root)[1])
        if "items" in node:
            visit((*path, 0), _resolved("", node["items"], root)[1])

    visit((), schema(root))
    return homes


def _advice(at: FieldPath, meaning: str, node: Node) -> Text | None:
    """What the field is for, and how it may look."""
    about = MEANINGS.get(meaning) or _told_in(node)
    example = _example(at, node)
    required = ", ".join(node.get("required", ()))
    parts: list[Text] = []
    if about is not None:
        parts.append(about)
    if example:
        parts.append(Text(f"for example `{example}`", f"例如 `{example}`"))
    elif required:
        parts.append(Text(f"it needs {required}", f"须包含 {required}"))
    if not parts:
        return None
    return Text("; ".join(part.en for part in parts), "；".join(part.zh for part in parts))


def _told_in(node: Node) -> Text | None:
    """What a field of a register is for: there the field itself says it in both languages."""
    chinese = node.get("x-description-zh")
    return None if chinese is None else Text(node["description"], chinese)


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ./_-]*")


def _example(at: FieldPath, node: Node) -> str:
    """One line of YAML that would be accepted here; empty when the schema gives no example."""
    if node.get("examples"):
        value = node["examples"][0]
    elif "const" in node:
        value = node["const"]
    elif "enum" in node:
        value = node["enum"][0]
    else:
        return ""
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in {"true", "false", "null"}
    written = value if plain else json.dumps(value, ensure_ascii=False)
    return f"{at[-1]}: {written}" if at and isinstance(at[-1], str) else f"- {written}"


def _kind(value: object) -> Text:
    """What a value is, in words."""
    if value is None:
        return Text("nothing", "空值")
    if isinstance(value, Mapping):
        return Text("a mapping", "映射")
    if isinstance(value, list):
        return Text(f"a list of {len(value)}", f"含 {len(value)} 项的列表")
    if isinstance(value, str):
        return Text(f"the text {shown(value)}", f"文本 {shown(value)}")
    return Text(shown(value), f" {shown(value)}")


def _choices(node: Node) -> str:
    return ", ".join(str(choice) for choice in node.get("enum", [node.get("const", "")]))


Expectation = Callable[[Mapping[str, Any], Node], Text]


def _always(en: str, zh: str) -> Expectation:
    return lambda _context, _node: Text(en, zh)


def _one_of(_context: Mapping[str, Any], node: Node) -> Text:
    if "const" in node:
        return Text(f"`{node['const']}`", f" `{node['const']}`")
    return Text(f"one of {_choices(node)}", f"以下之一：{_choices(node)}")


def _by_pattern(context: Mapping[str, Any], _node: Node) -> Text:
    known = _PATTERNS.get(str(context["pattern"]))
    return known or Text(f"text matching {context['pattern']}", f"匹配 {context['pattern']} 的文本")


_PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$": Text(
        "a name of letters, digits, `.`, `_` and `-`", "由字母、数字、`.`、`_`、`-` 组成的名称"
    ),
    r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$": Text("an ISO 3166 code such as CN or US-CA", " ISO 3166 代码，如 CN 或 US-CA"),
    r"^sha256:[0-9a-f]{64}$": Text(
        "`sha256:` and 64 lower-case hexadecimal digits", " `sha256:` 后接 64 位小写十六进制数字"
    ),
    r"^[0-9a-f]{64}$": Text("64 lower-case hexadecimal digits", "64 位小写十六进制数字"),
}

_ANY_FACT = Text("true, false, text or a list of text", " true、false、文本或文本列表")
_WHOLE_NUMBER = _always("a whole number", "整数")
_NUMBER = _always("a number", "数值")
_TRUTH = _always("true or false", " true 或 false")

_EXPECTED: dict[str, Expectation] = {
    "moment": _always(
        "a date and time with its zone such as 2026-11-23T08:30:00+08:00",
        "带时区的日期时间，如 2026-11-23T08:30:00+08:00",
    ),
    "day": _always("a date such as 2026-11-23", "日期，如 2026-11-23"),
    "string_type": _always("text", "文本"),
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _always("a list", "列表"),
    "dict_type": _always("a mapping of names to values", "名称到值的映射"),
    "model_type": _always("a mapping of fields", "字段映射"),
    "literal_error": _one_of,
    "enum": _one_of,
    "string_pattern_mismatch": _by_pattern,
    "string_too_short": _always("text that is not empty", "非空文本"),
    "string_too_long": lambda context, _: Text(
        f"at most {context['max_length']} characters", f"至多 {context['max_length']} 个字符"
    ),
    "too_short": lambda context, _: Text(
        f"at least {context['min_length']} entries", f"至少 {context['min_length']} 项"
    ),
    "greater_than": lambda context, _: Text(f"more than {context['gt']:g}", f"大于 {context['gt']:g} 的数"),
    "greater_than_equal": lambda context, _: Text(f"at least {context['ge']:g}", f"不小于 {context['ge']:g} 的数"),
    "less_than_equal": lambda context, _: Text(f"at most {context['le']:g}", f"不大于 {context['le']:g} 的数"),
}
