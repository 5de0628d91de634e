"""Dotted names in configurations: whether a program may be told to import and call them.

Hydra's `_target_`, Lightning's `class_path` and lists of modules name any callable that Python can import, `os.system`
included (CVE-2025-23304; Palo Alto Networks Unit 42, "Remote code execution in AI libraries", 2026). What may be named
is a list of reviewed namespaces (`packs/configurable_names.json`). Within most of them only class-shaped names are
taken, for a library's constructors are harmless with plain settings where its functions `load` or `download` are not.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from touchstone.scan.symbols import Trust, standing

_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")
_CLASS_SHAPED: Final = re.compile(r"_?[A-Z]\w*")
_ALWAYS_DANGEROUS: Final = re.compile(r"__\w+__|eval|exec|system|popen|spawn\w*|unsafe_\w+|load_library|shell")
"""Last parts that no reviewed library gives to a harmless function."""


@dataclass(frozen=True, slots=True)
class _Names:
    namespaces: frozenset[str]
    open_namespaces: frozenset[str]
    functions: frozenset[str]
    dangerous: frozenset[str]


def is_dotted(name: str) -> bool:
    """Whether a text could be the dotted name of something in a module."""
    return len(name) <= 300 and _DOTTED.fullmatch(name) is not None


@lru_cache(4096)
def trust_in(dotted: str) -> Trust:
    """How far a name may be imported and called with settings from a file: `known`, `dangerous` or `unknown`."""
    names = _names()
    parts = dotted.split(".")
    if dotted in names.functions:
        return "known"
    if any(_ALWAYS_DANGEROUS.fullmatch(part) for part in parts):
        return "dangerous"
    return _trust_in_namespace(parts, names) or _trust_as_symbol(parts)


def _trust_in_namespace(parts: list[str], names: _Names) -> Trust | None:
    for length in range(len(parts), 0, -1):
        beginning = ".".join(parts[:length])
        if beginning in names.dangerous:
            return "dangerous"
        if beginning in names.open_namespaces or beginning in names.namespaces:
            is_open = beginning in names.open_namespaces
            return "known" if is_open or _CLASS_SHAPED.fullmatch(parts[-1]) else "unknown"
    return None


def _trust_as_symbol(parts: list[str]) -> Trust:
    """What the lists for serialised objects say, wherever the module may end and the attributes begin."""
    standings = [standing(".".join(parts[:cut]), ".".join(parts[cut:])) for cut in range(1, len(parts))]
    if any(found.trust == "dangerous" for found in standings):
        return "dangerous"
    may_be_called = any("call" in found.rights and not found.contract for found in standings[-1:])
    return "known" if may_be_called else "unknown"


@cache
def _names() -> _Names:
    pack = json.loads((files("touchstone.scan") / "packs" / "configurable_names.json").read_text("utf-8"))
    return _Names(
        namespaces=frozenset(pack["namespaces"]),
        open_namespaces=frozenset(pack["open_namespaces"]),
        functions=frozenset(pack["functions"]),
        dangerous=frozenset(pack["dangerous"]),
    )
