"""One thing that is wrong with a description, before it is tied to a line of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from touchstone.documents import FieldPath, SourceDocument
from touchstone.errors import UserError
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one field, and what to do about it."""

    at: FieldPath
    what: Text
    remedy: Text | None = None

    def in_document(self, document: SourceDocument) -> UserError:
        """The error for a person: `system.yaml:12: model.file: does not exist`."""
        return UserError(self.said(), document.at(self.at), self.remedy)

    def said(self) -> Text:
        """What is wrong, with the field it is wrong at."""
        field = dotted(self.at)
        return Text(f"{field}: {self.what.en}", f"{field}：{self.what.zh}") if field else self.what


def dotted(path: FieldPath) -> str:
    """A field path as people write it.

    >>> dotted(("data", "test", "sensitive", 0))
    'data.test.sensitive[0]'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part[:80]}" for part in path).removeprefix(".")


def shown(value: object) -> str:
    """A value from the document, as a message shows it: short, and in the document's own spelling."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:59] + "…")
    return str(value)[:60]


def repeated(at: FieldPath, names: list[str]) -> Iterator[Problem]:
    """Every name that a list holds more than once."""
    last = {name: position for position, name in enumerate(names)}
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(
                (*at, last[name]),
                Text(f"{shown(name)} is listed {count} times", f"{shown(name)} 出现 {count} 次"),
                Text("list it once", "只保留一次"),
            )
