"""Entries of a register from its file: JSON Lines for what machines write, YAML for what people write.

The bytes are hostile: bounded, read without constructing objects, and every entry that does not fit is named with its
line and what was expected there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from touchstone.documents import FieldPath, SourceDocument, parse_yaml
from touchstone.errors import DataError, DescriptionError, UserError
from touchstone.system.data.json_lines import lines_of_json
from touchstone.system.problem import Problem
from touchstone.system.registers.entry import Entry
from touchstone.system.schema_problems import schema_problems
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.subject import Subject

LARGEST_BYTES = 256 * 1024 * 1024
MOST_ENTRIES = 1_000_000
MOST_PROBLEMS = 20

SUFFIXES = (".jsonl", ".yaml", ".yml")

_Kind = TypeVar("_Kind", bound=Entry)


def read_register(subject: Subject, path: str, kind: type[_Kind]) -> tuple[_Kind, ...]:
    """The entries of the register in the file `path`, in its order. Raises `DescriptionError` with what is wrong.

    Wrong is also a register that shows what the description denies: a control that does not apply would hide it.
    """
    _require_size(subject.record(path).size, path)
    entries = parse_register(subject.read(path), path, kind)
    facts = subject.description.facts
    denied = dict.fromkeys(name for entry in entries for name in entry.shows() if facts.get(name) is False)
    if denied:
        raise DescriptionError([_denied(name, path) for name in denied])
    return entries


def _denied(fact: str, path: str) -> UserError:
    return UserError(
        Text(
            f"shows that the fact `{fact}` is true, which system.yaml says is false",
            f"表明事实 `{fact}` 为真，而 system.yaml 称其为 false",
        ),
        path,
        Text("correct one of the two", "请更正其中之一"),
    )


def parse_register(content: bytes, path: str, kind: type[_Kind]) -> tuple[_Kind, ...]:
    """The entries that `content` holds. Raises `DescriptionError` with the first problems, each with its line."""
    _require_size(len(content), path)
    entries: list[_Kind] = []
    problems: list[UserError] = []
    try:
        for place, value in _values(content, path, kind):
            try:
                entries.append(kind.model_validate(value))
            except ValidationError as error:
                problems += [_in_register(problem, place) for problem in schema_problems(error, kind)]
            if len(problems) >= MOST_PROBLEMS:
                break
    except UserError as error:
        problems.append(error)
    if len(entries) > MOST_ENTRIES:
        problems.append(
            DataError(
                Text(f"holds more than {MOST_ENTRIES} entries", f"条目数超过 {MOST_ENTRIES}"),
                path,
                Text("hand in the period under assessment", "请只提交测评期间的部分"),
            )
        )
    if problems:
        raise DescriptionError(problems[:MOST_PROBLEMS])
    return tuple(entries)


def _require_size(size: int, path: str) -> None:
    if size > LARGEST_BYTES:
        raise DescriptionError(
            [
                DataError(
                    Text(f"is larger than {LARGEST_BYTES} bytes", f"大于 {LARGEST_BYTES} 字节"),
                    path,
                    Text("hand in the period under assessment", "请只提交测评期间的部分"),
                )
            ]
        )


class _Place:
    """Where one entry stands: a line of JSON Lines, or a part of a YAML document."""

    def __init__(self, where: str, document: SourceDocument | None = None, at: FieldPath = ()) -> None:
        self._where, self._document, self._at = where, document, at

    def of(self, field: FieldPath) -> str:
        return self._where if self._document is None else self._document.at((*self._at, *field))


def _values(content: bytes, path: str, kind: type[Entry]) -> Iterator[tuple[_Place, Any]]:
    if path.endswith(".jsonl") and not kind.single:
        for place, value in lines_of_json(content, path):
            yield _Place(place), value
        return
    document = parse_yaml(content, path)
    if kind.single:
        yield _Place(path, document), document.value
    elif isinstance(document.value, list):
        for position, value in enumerate(document.value):
            yield _Place(path, document, (position,)), value
    else:
        raise DataError(
            Text("is not a list of entries", "不是条目列表"),
            path,
            Text("write a YAML list, one entry each, or JSON Lines", "请写成 YAML 列表，一项一条，或使用 JSON Lines"),
        )


def _in_register(problem: Problem, place: _Place) -> UserError:
    said = problem.said()
    return UserError(said, place.of(problem.at), problem.remedy)
