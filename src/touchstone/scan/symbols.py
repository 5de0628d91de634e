"""Which imported names a serialised object may mention, and what may be done with them.

The lists of known names decide what is clean. The list of dangerous ones only explains and raises severity: without
it the same things would be found, as names that nobody reviewed. The lists are data (`packs/names/`, one file for each
library, whose README says how to add a line), each with the versions it was reviewed from; nothing depends on
what is installed.

A name is known because a pack lists it, or because it looks like a class (`CapWords`) and lies in a namespace that
was reviewed as a whole. The second kind may be mentioned, made without its `__init__`, and given a state, never called.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

Trust = Literal["known", "dangerous", "unknown"]
Right = Literal["import", "call", "new", "build"]
"""Mention it · call it with arguments (REDUCE) · make an instance without calling `__init__` (NEWOBJ) · give an
instance its state (BUILD, which may call `__setstate__`)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one name is trusted."""

    trust: Trust
    rights: frozenset[Right]
    """What a known name may be used for; empty for the others."""
    contract: str = ""
    """Name of the rule its arguments must keep to, when it is harmless only with harmless arguments."""


UNKNOWN: Final = Standing("unknown", frozenset())
DANGEROUS: Final = Standing("dangerous", frozenset())

TIERS: Final[dict[str, frozenset[Right]]] = {
    "values": frozenset({"import"}),
    "classes": frozenset({"import", "new", "build"}),
    "constructors": frozenset({"import", "call", "new", "build"}),
    "enumerations": frozenset({"import", "call", "new"}),
    "functions": frozenset({"import", "call"}),
}
"""The kinds of names a pack can list. A class is a constructor when calling it does no more than keep its arguments.
An enumeration is one whose members may also be taken from it by name, as some versions of Python pickle them."""

PACKS: Final = Path(__file__).with_name("packs") / "names"
_DANGEROUS: Final = "dangerous.json"
_CLASS_SHAPED: Final = re.compile(r"[A-Z][A-Za-z0-9_]*")
_DEEPEST: Final = 16
"""Parts of a dotted name that are compared; nothing listed has as many, and hostile names may have thousands."""
_BY_NAMESPACE: Final = Standing("known", TIERS["classes"])


@dataclass(frozen=True, slots=True)
class _Lists:
    """All packs, ready to be asked."""

    known: dict[str, dict[str, Standing]]
    enumerations: frozenset[tuple[str, str]]
    namespaces: frozenset[str]
    outside: frozenset[str]
    """Modules and classes that lie below a namespace and do not share in its trust."""
    renamed: dict[str, str]
    """Older names of modules: what is said of a module goes for the older name too."""
    dangerous: frozenset[str]
    """Modules, and single names in modules, that no reconstruction of data needs."""
    dangerous_attributes: frozenset[str]


@lru_cache(maxsize=8192)
def standing(module: str, name: str) -> Standing:
    """How far `module.name` is trusted.

    A dotted name walks from attribute to attribute: it is known only if a pack lists it in full.
    """
    lists = _lists()
    module = _present_name(module, lists.renamed)
    listed = lists.known.get(module, {}).get(name)
    if listed is not None:
        return listed
    if _is_dangerous(module, name, lists):
        return DANGEROUS
    if _CLASS_SHAPED.fullmatch(name) and _in_reviewed_namespace(module, name, lists):
        return _BY_NAMESPACE
    return UNKNOWN


def is_enumeration(module: str, name: str) -> bool:
    """Whether members may be taken from this class by name: `getattr(Colour, "RED")` instead of `Colour(1)`."""
    lists = _lists()
    return (_present_name(module, lists.renamed), name) in lists.enumerations


@cache
def digest() -> str:
    """SHA-256 over all lists of all readers: it goes into every result, for the lists decide what is clean."""
    whole = json.dumps(_documents(PACKS.parent), sort_keys=True, separators=(",", ":"))
    return sha256(whole.encode("utf-8")).hexdigest()


def _documents(folder: Path) -> dict[str, Any]:
    """The content of each list, by the place of its file; how the file is laid out does not matter."""
    return {file.relative_to(folder).as_posix(): json.loads(file.read_bytes()) for file in folder.rglob("*.json")}


@cache
def _lists() -> _Lists:
    packs: dict[str, dict[str, Any]] = _documents(PACKS)
    dangerous = packs.pop(_DANGEROUS)
    known: dict[str, dict[str, Standing]] = {}
    enumerations: set[tuple[str, str]] = set()
    namespaces: set[str] = set()
    outside: set[str] = set()
    renamed: dict[str, str] = {}
    for pack in packs.values():
        contracts: dict[str, str] = pack.get("contracts", {})
        for tier, modules in pack.get("known", {}).items():
            plain = Standing("known", TIERS[tier])
            for module, names in modules.items():
                if tier == "enumerations":
                    enumerations.update((module, name) for name in names)
                known.setdefault(module, {}).update(dict.fromkeys(names, plain))
        for name, contract in contracts.items():
            module, _, last = name.partition(":")
            known[module][last] = Standing("known", known[module][last].rights, contract)
        for below, exceptions in pack.get("namespaces", {}).items():
            namespaces.add(below)
            outside.update(exceptions)
        renamed.update(pack.get("renamed", {}))
    return _Lists(
        known=known,
        enumerations=frozenset(enumerations),
        namespaces=frozenset(namespaces),
        outside=frozenset(outside),
        renamed=renamed,
        dangerous=frozenset(name for group in dangerous["names"].values() for name in group),
        dangerous_attributes=frozenset(dangerous["attributes"]),
    )


def _present_name(module: str, renamed: dict[str, str]) -> str:
    """The module under the name the packs use; `numpy.core.multiarray` is `numpy._core.multiarray` now."""
    for prefix in _prefixes(module):
        if prefix in renamed:
            return _present_name(renamed[prefix] + module[len(prefix) :], renamed)
    return module


def _is_dangerous(module: str, name: str, lists: _Lists) -> bool:
    if any(prefix in lists.dangerous for prefix in _prefixes(f"{module}.{name}")):
        return True
    return any(segment in lists.dangerous_attributes for segment in name.split("."))


def _in_reviewed_namespace(module: str, name: str, lists: _Lists) -> bool:
    """Whether the nearest thing said about the module or one above it is that it was reviewed."""
    for prefix in _prefixes(f"{module}.{name}"):
        if prefix in lists.outside:
            return False
        if prefix in lists.namespaces:
            return True
    return False


def _prefixes(dotted: str) -> list[str]:
    """The dotted name, and everything above it, nearest first."""
    parts = dotted.split(".", _DEEPEST)[:_DEEPEST]
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
