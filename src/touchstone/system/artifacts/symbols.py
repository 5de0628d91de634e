"""Which imported names a serialised object may mention.

The list of known names decides what is clean. The list of dangerous ones only explains and raises severity: without
it the same constructs would be found, as names that nobody reviewed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Standing = Literal["known", "dangerous", "unknown"]

_PYTHON_2_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


@dataclass(frozen=True, slots=True)
class _Lists:
    known: dict[str, frozenset[str]]
    dangerous_modules: frozenset[str]
    """Modules from which an unlisted call is certainly no reconstruction of data."""
    dangerous_segments: frozenset[str]
    """Attribute names that no reconstruction of data walks through."""


@cache
def _lists() -> _Lists:
    document = json.loads(Path(__file__).with_name("symbols.json").read_bytes())
    return _Lists(
        known={module: frozenset(names) for module, names in document["known"].items()},
        dangerous_modules=frozenset(document["dangerous_modules"]),
        dangerous_segments=frozenset(document["dangerous_segments"]),
    )


def standing(module: str, name: str) -> Standing:
    """How far `module.name` is trusted. Dotted names walk from attribute to attribute and are never known."""
    lists = _lists()
    module = _PYTHON_2_MODULES.get(module, module)
    if name in lists.known.get(module, ()):
        return "known"
    segments = {segment.lstrip("_") or segment for segment in name.split(".")} | set(name.split("."))
    if module.split(".", 1)[0] in lists.dangerous_modules or segments & lists.dangerous_segments:
        return "dangerous"
    return "unknown"
