"""Which imported names a serialised object may mention, and what may be done with them.

The lists of known names decide what is clean. The list of dangerous ones only explains and raises severity: without
it the same things would be found, as names that nobody reviewed. The lists are data (`packs/`), each with the library
and version it was reviewed from; nothing depends on what is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

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


@cache
def standing(module: str, name: str) -> Standing:
    """How far `module.name` is trusted. A dotted name walks from attribute to attribute and is never known."""
    return UNKNOWN


def digest() -> str:
    """SHA-256 over all lists in use: it goes into every result, for the lists decide what is clean."""
    return ""
