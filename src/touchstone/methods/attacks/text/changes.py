"""A change of one place of a text, how a set of them is applied, and how large it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """`text[start:end]` becomes `replacement`."""

    start: int
    end: int
    replacement: str
    family: str
    """What kind of perturbation this is."""


def applied(text: str, changes: Iterable[Change]) -> str:
    """The text with all changes made. They must not overlap.

    >>> applied("good day", [Change(5, 8, "dai", "typo"), Change(0, 1, "G", "casing")])
    'Good dai'
    """
    parts, place = [], 0
    for change in sorted(changes, key=lambda change: change.start):
        if change.start < place:
            raise ValueError(f"changes overlap at {change.start}")
        parts += [text[place : change.start], change.replacement]
        place = change.end
    return "".join([*parts, text[place:]])


def edits(before: str, after: str) -> int:
    """Levenshtein's distance: insertions, deletions and substitutions of one character.

    >>> edits("好", "女子"), edits("form", "from")
    (2, 2)
    """
    row = list(range(len(after) + 1))
    for i, letter in enumerate(before, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(after, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != other))
    return row[-1]


def edits_of(text: str, changes: Iterable[Change]) -> int:
    """Edits of all changes together."""
    return sum(edits(text[change.start : change.end], change.replacement) for change in changes)
