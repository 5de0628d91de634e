"""From `system.yaml` to a description that can be relied on, or to the full list of what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from pydantic import ValidationError

from touchstone.documents import FieldPath, SourceDocument, read_yaml
from touchstone.errors import DescriptionError, UserError
from touchstone.files import FileError
from touchstone.system.consistency import consistency_problems
from touchstone.system.description import SystemDescription
from touchstone.system.problem import Problem, shown
from touchstone.system.references import references, resolve
from touchstone.system.schema_problems import schema_problems
from touchstone.text import Text

FILE_NAME = "system.yaml"
MOST_PROBLEMS = 100

PLACEHOLDER = Text("<fill in: {what}>", "<请填写：{what}>")
"""What `init` writes where it cannot know; never accepted as a value."""

_PLACEHOLDER = re.compile(r"<\s*(fill in|请填写)")


def description_file(path: Path) -> Path:
    """The description that `path` means: itself, or the `system.yaml` in it when it is a folder."""
    try:
        return path / FILE_NAME if path.is_dir() else path
    except OSError:  # a folder on the way may not be entered; opening the file says so
        return path


def load_description(path: Path) -> tuple[SystemDescription, SourceDocument]:
    """Read and validate a `system.yaml`, and find every file it names.

    Raises `DescriptionError` with all problems at once, in the order of their lines.
    """
    document = _read(path)
    unfilled = _first(_unfilled(document))
    try:
        description = SystemDescription.model_validate(document.value)
    except ValidationError as error:
        raise _refuse(document, unfilled, _first(schema_problems(error))) from None
    problems = _first(chain(consistency_problems(description), _unreachable(description, path.parent.resolve())))
    if unfilled or problems:
        raise _refuse(document, unfilled, problems)
    return description, document


def _read(path: Path) -> SourceDocument:
    """The document at `path`, which like all files of a system may not be a link out of its folder."""
    try:
        document = read_yaml(path)
    except FileError as error:
        remedy = Text(
            "correct the path; `touchstone init` writes a first one", "请更正路径；可用 `touchstone init` 生成初稿"
        )
        raise DescriptionError([UserError(error.what, str(path), remedy)]) from None
    except UserError as error:
        raise DescriptionError([error]) from None
    try:
        resolve(path.parent.resolve(), path.name)
    except FileError as error:
        raise DescriptionError([UserError(error.what, str(path), error.remedy)]) from None
    return document


def _refuse(document: SourceDocument, unfilled: list[Problem], problems: list[Problem]) -> DescriptionError:
    """All problems as one error. A placeholder is said to be one, and nothing else is said about it."""
    said = {problem.at for problem in unfilled}
    found = [*unfilled, *(problem for problem in problems if problem.at not in said)]
    found.sort(key=lambda problem: document.line_of(problem.at))
    told: list[UserError] = [problem.in_document(document) for problem in found[:MOST_PROBLEMS]]
    if len(found) >= MOST_PROBLEMS:
        told.append(
            UserError(Text("there may be more; mend these first", "可能还有更多问题；请先修正以上各项"), document.where)
        )
    return DescriptionError(told)


def _first(problems: Iterable[Problem]) -> list[Problem]:
    """As many problems as a person can use: finding more would only cost time."""
    return list(islice(problems, MOST_PROBLEMS))


def _unfilled(document: SourceDocument) -> Iterator[Problem]:
    """Every placeholder that is still there."""
    waiting: list[tuple[FieldPath, object]] = [((), document.value)]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(((*at, name), item) for name, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*at, position), item) for position, item in enumerate(value))
        elif isinstance(value, str) and _PLACEHOLDER.match(value):
            yield Problem(
                at,
                Text("is still to be filled in", "尚未填写"),
                Text(f"replace {shown(value)}", f"请替换 {shown(value)}"),
            )


def _unreachable(description: SystemDescription, root: Path) -> Iterator[Problem]:
    """Every path that does not lead to a file (or folder) of the system."""
    for reference in references(description):
        try:
            resolve(root, reference.path, folder=reference.folder)
        except FileError as error:
            name = shown(reference.path)
            yield Problem(reference.at, Text(f"{name} {error.what.en}", f"{name} {error.what.zh}"), error.remedy)
