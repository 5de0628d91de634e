"""The parts of a system that change apart from one another, and which part a file or a field belongs to.

model            the model's files and forms, and how they are declared
data.test        a data set by its role
components       the bill of materials
deployment       where and how it runs
training         how it was trained
registers.risks  a register by its kind
documents        documents handed in
declaration      the rest of system.yaml, on which everything depends: purpose, facts, operating domain, and what
                 goes into the model and comes out of it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from touchstone.system.description import SystemDescription
from touchstone.system.references import normal, references

WHOLE: Final = ("model", "components", "deployment", "training", "documents")
"""Sections of system.yaml that are one part each."""
DECLARATION: Final = "declaration"
MEANS: Final = frozenset({"input", "output", "task"})
"""Of the section `model` what says how a model is used: a part of the declaration."""
PATTERN: Final = (
    r"^(model|data\.(test|train|reference|outside)|components|deployment|training|registers\.[A-Za-z0-9._-]+|documents"
    r"|declaration)$"
)


def parts_of_file(description: SystemDescription, path: str) -> frozenset[str]:
    """The parts to which a file belongs: none when the description does not name it, several when it does so twice."""
    found = set()
    for reference in references(description):
        named = normal(reference.path)
        if path == named or (reference.folder and path.startswith(named + "/")):
            found.add(_part([str(step) for step in reference.at]))
    return frozenset(found)


def parts_that_differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """The parts in which two descriptions differ, both as plain JSON. What their files hold is not looked at."""
    found = set()
    for section in before.keys() | after.keys():
        one, other = before.get(section), after.get(section)
        if one == other:
            continue
        if section in {"data", "registers"}:
            found |= {_part([section, key]) for key in _differing(one, other)}
        elif section == "model":
            found |= {DECLARATION if key in MEANS else "model" for key in _differing(one, other)}
        else:
            found.add(_part([section]))
    return frozenset(found)


def _part(at: list[str]) -> str:
    if at[0] in {"data", "registers"} and len(at) > 1:
        return f"{at[0]}.{at[1]}"
    return at[0] if at[0] in WHOLE else DECLARATION


def _differing(one: Any, other: Any) -> set[str]:
    """Keys of two sections whose values are not the same."""
    first = one if isinstance(one, Mapping) else {}
    second = other if isinstance(other, Mapping) else {}
    return {key for key in first.keys() | second.keys() if first.get(key) != second.get(key)}
