"""Writing the first `system.yaml`: everything that is known, a marked placeholder for everything that is not.

    write_draft({("system", "name"): Known("progression-risk")}, {}, "en")

The draft walks the schema, so it shows every field there is, with what it is for; optional fields stay commented out.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from touchstone.documents import FieldPath
from touchstone.system.loading import PLACEHOLDER
from touchstone.system.meanings import MEANINGS
from touchstone.system.schema_problems import Node, field_at
from touchstone.text import Language, Text

_WIDTH = 100

_HEADER = Text(
    "What this AI system is, for those who test it. Replace every <fill in: ...>, check every guess, remove the #\n"
    "before what you want to say, then run: touchstone check-system system.yaml",
    "供测评方了解本人工智能系统。请替换每个 <请填写：…>，核对每处推测，去掉所需字段前的 #，\n"
    "然后运行：touchstone check-system system.yaml",
)
_CHECK_GUESS = Text("guessed: please check", "推测所得，请核对")
_MORE_TO_KNOW: dict[FieldPath, Text] = {
    ("model", "input", "shape"): Text(
        "shape of one sample without the batch axis, such as [3, 32, 32]", "单个样本的形状，不含批次维，如 [3, 32, 32]"
    ),
    ("model", "output", "labels"): Text(
        "class names in the order of the output, such as [healthy, ill]", "类别名称，按输出顺序，如 [健康, 患病]"
    ),
    ("model", "input", "columns"): Text(
        "feature columns in the order the model takes them, such as [age, income]",
        "特征列，按模型接收的顺序，如 [年龄, 收入]",
    ),
}


@dataclass(frozen=True, slots=True)
class Known:
    """One value of the draft. A guess is marked as such, so that a person looks at it."""

    value: Any
    guessed: bool = False


class Unknown:
    """A field that must be filled in by a person."""


UNKNOWN = Unknown()

Values = dict[FieldPath, Known | Unknown]
"""What is known of the description, by field path."""


@dataclass(frozen=True, slots=True)
class FactQuestion:
    """How to ask for one fact: the question, and the values it may take."""

    text: Text
    values: tuple[str, ...]


def write_draft(
    values: Mapping[FieldPath, Known | Unknown], facts: Mapping[str, FactQuestion], language: Language
) -> str:
    """The commented `system.yaml`, in one language. `facts` is the vocabulary of the standard."""
    writer = _Writer(_with_needs(values), facts, language)
    return "\n".join([*writer.header(), *writer.fields(())]) + "\n"


def placeholders(draft: str) -> int:
    """How many places of a draft are still to be filled in."""
    return sum(draft.count(f'"{marker.partition("{")[0]}') for marker in (PLACEHOLDER.en, PLACEHOLDER.zh))


def _with_needs(values: Mapping[FieldPath, Known | Unknown]) -> Values:
    """The values, with a placeholder for what the schema leaves optional but these values make necessary."""
    form = _value(values, ("model", "format"))
    kind = _value(values, ("model", "input", "kind"))
    needed: list[FieldPath] = [("model", "output", "labels")]
    if form not in {"http", "predictions"}:
        needed.append(("model", "file"))
    if form == "http":
        needed += [("model", "endpoint"), ("model", "endpoint_model")]
    if form == "safetensors":
        needed.append(("model", "architecture"))
    if kind == "tabular":
        needed.append(("model", "input", "columns"))
    if kind in {"image", "timeseries"}:
        needed.append(("model", "input", "shape"))
    if kind == "text":
        needed.append(("data", "test", "features"))
    if form == "predictions":
        needed.append(("data", "test", "predictions"))
    return {**dict.fromkeys(needed, UNKNOWN), **values}


def _value(values: Mapping[FieldPath, Known | Unknown], path: FieldPath) -> object:
    found = values.get(path)
    return found.value if isinstance(found, Known) else None


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the lines of a draft, field by field in the schema's order."""

    values: Values
    facts: Mapping[str, FactQuestion]
    language: Language

    def header(self) -> Iterator[str]:
        """What to do with the draft."""
        yield from (f"# {line}" for line in _HEADER.render(self.language).splitlines())

    def fields(self, path: FieldPath) -> Iterator[str]:
        """The lines of one mapping of the schema."""
        node = field_at(path)[2]
        indent = "  " * len(path)
        for name in node["properties"]:
            at = (*path, name)
            _, meaning, child = field_at(at)
            wanted = name in node.get("required", ()) or any(known[: len(at)] == at for known in self.values)
            if not path:
                yield ""
            yield from self._comment(MEANINGS[meaning], child.get("enum", ()), indent)
            if at == ("facts",):
                yield from self._fact_lines()
            elif not wanted:
                yield _commented_out(name, child, indent)
            elif "properties" in child:
                yield f"{indent}{name}:"
                yield from self.fields(at)
            else:
                yield from self._entry(at, child, meaning)

    def _comment(self, meaning: Text, choices: Sequence[str], indent: str) -> list[str]:
        listed = f" ({'|'.join(choices)})" if choices else ""
        text = meaning.render(self.language) + listed
        return textwrap.wrap(
            text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ", break_long_words=False
        )

    def _fact_lines(self) -> Iterator[str]:
        """Every fact of the vocabulary as a question, none answered."""
        yield "# facts:"
        for name, question in self.facts.items():
            yield from self._comment(question.text, question.values, "  ")
            yield f"  # {name}:"

    def _entry(self, at: FieldPath, node: Node, meaning: str) -> Iterator[str]:
        """`name: value`, or the placeholder."""
        indent = "  " * (len(at) - 1)
        known = self.values.get(at, UNKNOWN)
        if isinstance(known, Unknown):
            known = Known(node["const"] if "const" in node else self._placeholder(at, node, meaning))
        if known.guessed:
            yield f"{indent}# {_CHECK_GUESS.render(self.language)}"
        line = f"{indent}{at[-1]}: {_written(known.value)}"
        if len(line) <= _WIDTH or not isinstance(known.value, list):
            yield line
            return
        yield f"{indent}{at[-1]}:"
        yield from (f"{indent}  - {_written(item)}" for item in known.value)

    def _placeholder(self, at: FieldPath, node: Node, meaning: str) -> str:
        what = _MORE_TO_KNOW.get(at, MEANINGS[meaning])
        if "enum" in node:
            choices = ", ".join(node["enum"])
            what = Text(f"one of {choices}", f"以下之一 {choices}")
        return PLACEHOLDER.format(what=what.render(self.language)).render(self.language)


def _commented_out(name: str, node: Node, indent: str) -> str:
    """How an optional field would look."""
    example = node["examples"][0] if node.get("examples") else node.get("default")
    return f"{indent}# {name}:" + ("" if example is None else f" {_written(example)}")


def _written(value: object) -> str:
    """A value as JSON, which is YAML, and needs no thought about quotes."""
    return json.dumps(value, ensure_ascii=False)
