"""Runs of opcodes that do nothing but push plain data, found by one regular expression each.

A dictionary of a million words is millions of opcodes of which none can call, import or change anything. Following
them one by one costs what the file costs to load. A possessive pattern (`(?:…)++`, no backtracking) goes over them at
the speed of the regular expression engine instead. What was stepped over can be followed exactly whenever somebody
asks for a value in it, so that stepping over never changes an answer.

A pattern matches whole elements of the container that is being filled. Texts are short, so that none of them can hold
another pickle, and do not begin with two underscores, so that none of them is a special attribute.

How many values a run memoizes must be known, for the memo counts them. In runs of literals no argument may hold the
byte 0x94: then all bytes 0x94 that are there are MEMOIZE opcodes. In runs with containers, which may also get
literals from the memo, a second pattern finds the opcodes that use the memo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
BEGINNINGS: Final = frozenset(bytes([code]) for code in b"KMJGN\x88\x89\x8a\x8chj]})(\x8f")
"""Opcodes that an element can begin with."""
_TAKING: Final = frozenset({b"\x85", b"\x86", b"\x87", b"a", b"s"})
"""Opcodes that take single elements: those before are not elements on their own."""
_MEMOIZE: Final = b"\x94"
_TUPLE_ENDS: Final = (b"\x85\x94", b"\x86\x94", b"\x87\x94", b"t\x94")
_LONGEST_TUPLE: Final = 192
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
    """What was found where a run may begin."""

    end: int
    """Where the run ends; it is empty when there is none that is worth its while."""
    memoized: int = 0
    flat: bool = True
    looked: int = 0
    """How far was looked to find that out."""


NUMBERS: Final = (Kind("numbers", memoizes=False),)
"""All that can be stepped over before protocol 4: there, values are memoized under numbers of the stream's choice."""
LITERALS: Final = (*NUMBERS, Kind("literals"))
CONTAINERS: Final = (*LITERALS, Kind("containers", flat=False))
"""The fastest first. The last takes a while to prepare, which a short stream does not give back."""


def find_run(
    data: bytes, start: int, end: int, filling: Filling, kinds: Sequence[Kind], is_literal: Callable[[int], bool]
) -> Found:
    """The longest run in `data[start:end]` from `start`.

    `is_literal` tells of a number in the memo whether a literal is kept there.
    """
    looked = start
    for kind in kinds:
        found = _find(data, start, end, filling, kind, is_literal)
        if found.end - start >= LEAST and data[found.end : found.end + 1] not in _TAKING:
            return found
        looked = max(looked, found.looked)
    return Found(start, looked=looked)


def _find(data: bytes, start: int, end: int, filling: Filling, kind: Kind, is_literal: Callable[[int], bool]) -> Found:
    pattern = _pattern(kind.name, filling)
    match = pattern.match(data, start, end)
    if match is not None and data[match.end() : match.end() + 1] == _MEMOIZE:
        # The last element is memoized behind the end: it is not whole without that.
        match = pattern.match(data, start, match.end() - 1)
    if match is None or match.end() - start < LEAST:
        return Found(start)
    stop = match.end()
    if not kind.flat and end - stop < _LONGEST_TUPLE:
        stop = _behind_whole_tuple(pattern, data, start, stop)
    if kind.flat:
        return Found(stop, data.count(_MEMOIZE, start, stop) if kind.memoizes else 0, looked=stop)
    uses = _memo_uses().findall(data[start:stop] + _MEMOIZE)
    strange = {use for use in set(uses) if use != _MEMOIZE and not is_literal(int.from_bytes(use[1:], "little"))}
    if strange:
        before = next(use.start(1) for use in _memo_uses().finditer(data[start:stop]) if use[1] in strange)
        return replace(_find(data, start, start + before, filling, kind, is_literal), looked=stop)
    return Found(stop, uses.count(_MEMOIZE) - 1, flat=False, looked=stop)


def _behind_whole_tuple(pattern: re.Pattern[bytes], data: bytes, start: int, stop: int) -> int:
    """A better place to stop, where the data's end cuts a tuple: its first elements look like elements on their own."""
    last = max(data.rfind(tuple_end, stop - _LONGEST_TUPLE, stop) for tuple_end in _TUPLE_ENDS)
    if last > start:
        match = pattern.match(data, start, last + 2)
        if match is not None and match.end() == last + 2:
            return last + 2
    return stop


@cache
def _memo_uses() -> re.Pattern[bytes]:
    """All that a run with containers is made of, up to the next opcode that uses the memo, which is the group."""
    others = _either(rb"[\]\x8f})(easut\x85\x86\x87\x90]", _numbers(_ANY), _texts(_ANY))
    return re.compile(others + rb"*+(\x94|h.|j.{4})", re.DOTALL)


@cache
def _pattern(kind: str, filling: Filling) -> re.Pattern[bytes]:
    """Compiled when first needed: the last takes a while, and few files have such runs."""
    if kind == "numbers":
        key = element = _numbers(_ANY)
    elif kind == "literals":
        key = element = _either(_numbers(_NOT_MEMOIZE), _texts(_NOT_MEMOIZE) + rb"\x94?")
    else:
        literal = _either(_numbers(_ANY), _texts(_ANY) + rb"\x94?", rb"h.", rb"j.{4}")
        key = _with_few(literal)
        element = _with_containers(literal, _with_containers(literal, key))
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

    Lists and dictionaries of literals come first, for they can be matched without turning back. A container that is
    filled with something else is no element: its beginning must not be taken for an empty one.
    """
    entry = _with_few(literal) + element
    return _either(
        rb"[\]\x8f]\x94?"
        + _either(
            rb"\(" + literal + rb"*+[e\x90]",
            rb"(?:\(" + element + rb"*+[e\x90])++",
            literal + rb"a",
            rb"(?![(a])",
        ),
        rb"\}\x94?"
        + _either(
            rb"\((?:" + literal + literal + rb")*+u",
            rb"(?:\((?:" + entry + rb")*+u)++",
            entry + rb"s",
            rb"(?![(s])",
        ),
        rb"\)",
        rb"\(" + literal + rb"*+t\x94?",
        _with_few(literal),
    )


def _with_few(literal: bytes) -> bytes:
    """A literal, or a tuple of up to three."""
    few = rb"(?:\x85|" + literal + _either(rb"\x86", literal + rb"\x87") + rb")\x94?"
    return rb"(?:" + literal + rb"(?:" + few + rb")?)"
