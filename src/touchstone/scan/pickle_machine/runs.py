"""Runs of opcodes that do nothing but push plain data, found by one regular expression each.

A dictionary of a million words is millions of opcodes of which none can call, import or change anything. Following
them one by one costs what the file costs to load. A possessive pattern (`(?:…)++`, no backtracking) goes over them at
the speed of the regular expression engine instead. What was stepped over can be followed exactly whenever somebody
asks for a value in it, so that stepping over never changes an answer.

A pattern matches whole elements of the container that is being filled. Texts are short, so that none of them can hold
another pickle, and do not begin with two underscores, so that none of them is a special attribute.

How many values a run memoizes must be known, for the memo counts them. In runs of literals no argument may hold the
byte 0x94: then all bytes 0x94 that are there are MEMOIZE opcodes. In runs with containers, they are counted by a
second pattern.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from touchstone.scan.pickle_machine.payloads import SHORTEST_TEXT

if TYPE_CHECKING:
    from touchstone.scan.pickle_machine.values import Value

Filling = Literal["elements", "pairs"]
"""What a run is made of: single elements, or keys and values in turn."""

LEAST: Final = 48
"""Bytes of a run that is worth its while."""
HEIGHT: Final = 3
"""Levels of containers that the elements of a run may have."""
BEGINNINGS: Final = frozenset(b"KMJGN\x88\x89\x8a\x8chj]})(\x8f")
"""Opcodes that an element can begin with."""
_MEMOIZE: Final = b"\x94"
_ANY: Final = rb"."
_NOT_MEMOIZE: Final = rb"[^\x94]"


@dataclass(slots=True, eq=False)
class Run:
    """Opcodes that were stepped over. On the stack it stands for all values they push."""

    start: int
    end: int
    first: int
    """Number in the memo of the first value that it memoizes."""
    filling: Filling
    flat: bool
    """Whether there are only literals in it, no containers."""
    values: list[Value] | None = None
    """What it pushes, once somebody asked."""

    @property
    def length(self) -> int:
        """Bytes it extends over."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """A literal of a flat run, got from the memo, that nobody has looked at yet."""

    run: Run
    index: int
    """Its number in the memo."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the elements of a run may be."""

    name: Literal["numbers", "literals", "containers"]
    memoizes: bool = True
    flat: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """How far a pattern matched."""

    end: int
    memoized: int
    flat: bool


def find_run(data: bytes, start: int, end: int, filling: Filling, kinds: Sequence[Kind]) -> Found | None:
    """The longest run in `data[start:end]` from `start`; `None` when there is none that is worth its while."""
    for kind in kinds:
        pattern = _pattern(kind.name, filling)
        match = pattern.match(data, start, end)
        if match is not None and match.end() < len(data) and data[match.end()] == 0x94:
            # The last element is memoized behind the end: it is not whole without that.
            match = pattern.match(data, start, match.end() - 1)
        if match is not None and match.end() - start >= LEAST:
            memoized = _count_memoized(data, start, match.end(), kind)
            return Found(match.end(), memoized, kind.flat)
    return None


NUMBERS: Final = (Kind("numbers", memoizes=False),)
"""All that can be stepped over before protocol 4: there, values are memoized under numbers of the stream's choice."""
LITERALS: Final = (*NUMBERS, Kind("literals"))
ALL: Final = (*LITERALS, Kind("containers", flat=False))
"""The fastest first. The last takes a tenth of a second to prepare, which a short stream does not give back."""


def _count_memoized(data: bytes, start: int, end: int, kind: Kind) -> int:
    if not kind.memoizes:
        return 0
    if kind.flat:
        return data.count(_MEMOIZE, start, end)
    return _up_to_memoize().subn(b"", data[start:end] + _MEMOIZE)[1] - 1


@cache
def _up_to_memoize() -> re.Pattern[bytes]:
    """All that a run with containers is made of, up to the next MEMOIZE."""
    structure = rb"[\]\x8f})(easut\x85\x86\x87\x90]"
    return re.compile(rb"(?:" + structure + rb"|" + _numbers(_ANY) + rb"|" + _texts(_ANY) + rb")*+\x94", re.DOTALL)


@cache
def _pattern(kind: str, filling: Filling) -> re.Pattern[bytes]:
    """Compiled when first needed: the last takes a while, and few files have such runs."""
    byte = _NOT_MEMOIZE if kind == "literals" else _ANY
    literal = _either(_numbers(byte), _texts(byte) + rb"\x94?")
    if kind == "numbers":
        key = element = _numbers(byte)
    elif kind == "literals":
        key = element = literal
    else:
        key = _with_few(literal)
        element = _with_containers(literal, _with_containers(literal, literal))
    return re.compile(rb"(?:" + (key + element if filling == "pairs" else element) + rb")++", re.DOTALL)


def _either(*alternatives: bytes) -> bytes:
    return rb"(?:" + rb"|".join(alternatives) + rb")"


def _numbers(byte: bytes) -> bytes:
    """Numbers, booleans and None, whose arguments are made of such bytes."""
    long_integers = (rb"\x8a" + _byte(length) + byte + b"{%d}" % length for length in range(1, 9))
    return _either(
        rb"K" + byte,
        rb"M" + byte + rb"{2}",
        rb"J" + byte + rb"{4}",
        rb"G" + byte + rb"{8}",
        rb"[N\x88\x89]",
        *long_integers,
    )


def _texts(byte: bytes) -> bytes:
    """Short texts, as protocol 4 writes them."""
    return rb"\x8c" + _either(
        rb"\x00", *(_byte(length) + rb"(?!__)" + byte + b"{%d}" % length for length in range(1, SHORTEST_TEXT))
    )


def _byte(value: int) -> bytes:
    return re.escape(bytes([value]))


def _with_containers(literal: bytes, element: bytes) -> bytes:
    """A literal, or a list, set, dictionary or tuple, as picklers write them. Lists and values are made of elements.

    A container that is filled with something else is no element: its beginning must not be taken for an empty one.
    """
    entry = _with_few(literal) + element
    return _either(
        rb"[\]\x8f]\x94?" + _either(rb"(?:\(" + element + rb"*+[e\x90])++", literal + rb"a", rb"(?![(a])"),
        rb"\}\x94?" + _either(rb"(?:\((?:" + entry + rb")*+u)++", entry + rb"s", rb"(?![(s])"),
        rb"\)",
        rb"\(" + literal + rb"*+t\x94?",
        _with_few(literal),
    )


def _with_few(literal: bytes) -> bytes:
    """A literal, or a tuple of up to three."""
    return literal + rb"(?:(?:\x85|" + literal + _either(rb"\x86", literal + rb"\x87") + rb")\x94?)?"
