"""Pickles written opcode by opcode, and how the machine follows them. Nothing here is ever loaded."""

from __future__ import annotations

from typing import Any

from touchstone.scan.budget import Budget, Limits
from touchstone.scan.pickle_machine.judgement import Lookup
from touchstone.scan.pickle_machine.machine import Loader, Machine, Reading
from touchstone.scan.pickle_machine.notes import Notes
from touchstone.scan.source import MemorySource
from touchstone.scan.symbols import TIERS, Right, Standing, standing

PROTOCOL_2 = b"\x80\x02"
PROTOCOL_4 = b"\x80\x04"


def text(value: str) -> bytes:
    """A short text."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw if len(raw) < 256 else b"X" + len(raw).to_bytes(4, "little") + raw


def name(module: str, attribute: str) -> bytes:
    """An import by STACK_GLOBAL."""
    return text(module) + text(attribute) + b"\x93"


def number(value: int) -> bytes:
    """An integer of up to four bytes."""
    return b"J" + value.to_bytes(4, "little", signed=True)


def blob(value: bytes) -> bytes:
    """Bytes."""
    return b"B" + len(value).to_bytes(4, "little") + value


SYSTEM = PROTOCOL_4 + name("os", "system")
ARGUMENT = text("echo planted")
PLANTED = name("os", "system") + ARGUMENT + b"\x85R"
"""Leaves the result of the call on the stack."""

JOBLIB = Loader()
_DANGEROUS = {"os", "posix", "nt", "subprocess", "builtins.eval", "builtins.exec", "builtins.getattr"}


def standings(contracts: dict[str, str] | None = None, **rights: str) -> Lookup:
    """A small list of names for one test: `tier="module:name module:name"`, and contracts by `module:name`."""
    known: dict[tuple[str, str], frozenset[Right]] = {}
    for tier, names in rights.items():
        for listed in names.split():
            module, _, attribute = listed.partition(":")
            known[module, attribute] = TIERS[tier]

    def lookup(module: str, attribute: str) -> Standing:
        if (module, attribute) in known:
            contract = (contracts or {}).get(f"{module}:{attribute}", "")
            return Standing("known", known[module, attribute], contract)
        dangerous = module in _DANGEROUS or f"{module}.{attribute}" in _DANGEROUS
        return Standing("dangerous" if dangerous else "unknown", frozenset())

    return lookup


def followed(
    content: bytes, loader: Loader = JOBLIB, lookup: Lookup = standing, limits: Limits | None = None
) -> tuple[Notes, Reading]:
    """What the machine notes about a stream, and how far it gets."""
    notes = Notes()
    budget = Budget(limits or Limits(), len(content))
    return notes, Machine(MemorySource(content), 0, notes, budget, loader, lookup).run()


def noted(content: bytes, lookup: Lookup = standing, **options: Any) -> list[tuple[str, str]]:
    """Rule and fact of everything noticed."""
    notes, _ = followed(content, Loader(**options), lookup)
    return [(notice.rule.id, notice.shown) for notice in notes.notices]


def problems(content: bytes) -> list[str]:
    """What was not understood."""
    return list(followed(content)[0].problems)
