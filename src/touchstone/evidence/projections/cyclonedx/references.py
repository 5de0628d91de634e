"""Whether everything a CycloneDX document refers to is in it.

The schema says what a reference is, not that it leads anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

_REFERENCES: Final = frozenset(
    {
        "ref",
        "dependsOn",
        "assessor",
        "requirement",
        "requirements",
        "claims",
        "counterClaims",
        "target",
        "evidence",
        "counterEvidence",
    }
)


def broken_bom_references(document: Any) -> tuple[str, ...]:
    """Every reference in one bill of materials (parsed JSON) that leads nowhere, and every name given twice."""
    names = Counter(value for field, value in _strings(document) if field == "bom-ref")
    twice = [name for name, times in names.items() if times > 1]
    lost = {value for field, value in _strings(document) if field in _REFERENCES and value not in names}
    return tuple(sorted({*twice, *lost}))


def _strings(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every string with the name of the field it stands in, alone or in a list."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, field)
