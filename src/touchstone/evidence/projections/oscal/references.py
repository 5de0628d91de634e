"""Whether everything an OSCAL document refers to is there.

OSCAL's schemas and `trestle validate` accept a finding that rests on an observation that does not exist. A
verifier must not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_DEFINED_IN: Final = {
    "observation-uuid": ("observations",),
    "finding-uuid": ("findings",),
    "risk-uuid": ("risks",),
    "activity-uuid": ("activities",),
    "component-uuid": ("components",),
    "party-uuids": ("parties",),
    "party-uuid": ("parties",),
    "subject-uuid": ("components", "inventory-items", "locations", "parties", "users", "resources"),
    "actor-uuid": ("components", "parties"),
    "task-uuid": ("tasks",),
    "resource-uuid": ("resources",),
}
"""Lists in which the target of a reference may stand."""


@dataclass(frozen=True, slots=True)
class BrokenReference:
    """One reference without a target, or one name that was given twice."""

    place: str
    """Path inside the document (`results/0/findings/2/…`)."""
    target: str
    """What it refers to."""


def broken_references(document: Any) -> tuple[BrokenReference, ...]:
    """Every reference in one OSCAL document (parsed JSON) that leads nowhere, in the document's order.

    A reference must lead to an element of the right kind. Names given twice are broken as well, as nobody can say
    which one is meant.
    """
    defined: dict[str, set[str]] = {}
    every: list[str] = []
    for _, field, owner, value in _walk(document):
        if field == "uuid" and isinstance(value, str):
            defined.setdefault(owner, set()).add(value)
            every.append(value)
        if field == "id" and owner == "roles":
            defined.setdefault("roles", set()).add(str(value))
    twice = {name for name, times in Counter(every).items() if times > 1}
    broken = []
    for place, field, owner, value in _walk(document):
        if field == "uuid" and str(value) in twice:
            broken.append(BrokenReference(place, str(value)))
        for target, lists in _targets(field, owner, value):
            if not any(target in defined.get(name, ()) for name in lists):
                broken.append(BrokenReference(place, target))
    return tuple(broken)


def _targets(field: str, owner: str, value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    if field in _DEFINED_IN:
        for target in value if isinstance(value, list) else [value]:
            yield str(target), _DEFINED_IN[field]
    elif field == "role-id" and owner != "roles":
        yield str(value), ("roles",)
    elif field == "href" and isinstance(value, str) and value.startswith("#"):
        yield value.removeprefix("#"), ("resources",)


def _walk(value: Any, place: str = "", owner: str = "") -> Iterator[tuple[str, str, str, Any]]:
    """Every field: its path, its name, the name of the list or object its element stands in, its value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = f"{place}/{name}".removeprefix("/")
            yield here, name, owner, inner
            yield from _walk(inner, here, name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{place}/{index}", owner)
