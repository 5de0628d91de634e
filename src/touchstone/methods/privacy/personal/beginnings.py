"""Which characters can stand where a match of a pattern begins: one before it, and those it begins with.

Sets of characters are the bits of an integer. What a set says is necessary, never sufficient: a construct that is not
looked into narrows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

CHARACTERS = 0x10000
"""Those of the basic plane; the last stands for all beyond it too."""
ANY = (1 << CHARACTERS) - 1
DEPTH = 12
"""Characters from the beginning of a match on that are looked at."""
BOUNDARY = "\n"
"""What is put before a text and behind it."""
_parser: Any = import_module("re._parser")  # undocumented, and the only reader of patterns that agrees with `re`
_BEYOND, _BOUNDARY = 1 << CHARACTERS - 1, 1 << ord(BOUNDARY)
_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "IN", "ANY"})
_ASSERTIONS = frozenset({"ASSERT", "ASSERT_NOT", "AT"})
_AT_BEGINNING = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The character `before` a match, and those `at` its first places."""

    before: int
    at: tuple[int, ...]
    words: frozenset[str] = frozenset()
    """It begins with one of these, where there are any."""

    def __and__(self, other: Beginnings) -> Beginnings:
        """Of what matches both patterns at one place."""
        at = tuple(a & b for a, b in zip(self.at, other.at, strict=True))
        return Beginnings(self.before & other.before, at, self.words or other.words)


UNKNOWN = Beginnings(ANY, (ANY,) * DEPTH)
"""Anything may stand there."""


def beginnings(pattern: str, among: Mapping[str, frozenset[str]]) -> Beginnings:
    """Of every match of a pattern whose groups are `among` lists of words. Raises `re.error` if it cannot be read."""
    parsed = _parser.parse(pattern)
    if parsed.state.flags & re.IGNORECASE:
        return UNKNOWN
    lists = {parsed.state.groupdict[group]: words for group, words in among.items()}
    first = next((item for item in parsed if str(item[0]) not in _ASSERTIONS), None)
    group = first[1][0] if first and str(first[0]) == "SUBPATTERN" else None
    return replace(_read(parsed), words=lists.get(group, frozenset()))


def _read(items: Sequence[Any]) -> Beginnings:
    reading = _Reading()
    reading.open_from(reading.sequence(items, frozenset({0})))
    found = Beginnings(ANY, tuple(reading.at))
    for operation, argument in items:  # an assertion further in may be one of several ways to match
        if str(operation) not in _ASSERTIONS:
            break
        found &= _asserted(str(operation), argument)
    return found


class _Reading:
    """Places that an item of a pattern may stand at are followed through it, as an automaton follows its states."""

    def __init__(self) -> None:
        self.at = [0] * DEPTH

    def open_from(self, places: frozenset[int]) -> None:
        """Anything may stand from the first of these places on."""
        for place in range(min(places, default=DEPTH), DEPTH):
            self.at[place] = ANY

    def sequence(self, items: Sequence[Any], places: frozenset[int]) -> frozenset[int]:
        """Read items that follow each other; the places behind them."""
        for operation, argument in items:
            places = self._item(str(operation), argument, places)
        return places

    def _item(self, operation: str, argument: Any, places: frozenset[int]) -> frozenset[int]:
        if operation in _SINGLE:
            return self._character(_characters(operation, argument), places)
        match operation:
            case "BRANCH":
                return frozenset().union(*(self.sequence(branch, places) for branch in argument[1]))
            case "SUBPATTERN" if not (argument[1] | argument[2]) & re.IGNORECASE:
                return self.sequence(argument[3], places)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                return self._repeated(argument[0], argument[1], argument[2], places)
        if operation in _ASSERTIONS:
            return places
        self.open_from(places)
        return frozenset()

    def _character(self, allowed: int, places: frozenset[int]) -> frozenset[int]:
        for place in places:
            self.at[place] |= allowed
        return frozenset(place + 1 for place in places if place + 1 < DEPTH)

    def _repeated(self, least: int, most: int, items: Sequence[Any], places: frozenset[int]) -> frozenset[int]:
        """The places behind `least` to `most` of the items."""
        behind: frozenset[int] = frozenset()
        for times in range(most + 1):
            if not places or (times > least and places <= behind):
                break
            if times >= least:
                behind |= places
            if times < most:
                places = self.sequence(items, places)
        return behind


def _asserted(operation: str, argument: Any) -> Beginnings:
    """What an assertion at the beginning of a match asks of what stands around there."""
    if operation == "AT":
        return UNKNOWN if str(argument) not in _AT_BEGINNING else replace(UNKNOWN, before=_BOUNDARY)
    direction, items = argument
    if direction > 0:
        return _read(items) if operation == "ASSERT" else UNKNOWN
    if len(items) != 1 or str(items[0][0]) not in _SINGLE:
        return UNKNOWN
    allowed = _characters(str(items[0][0]), items[0][1])
    return replace(UNKNOWN, before=allowed if operation == "ASSERT" else _others(allowed) | _BOUNDARY)


def _characters(operation: str, argument: Any) -> int:
    """Those that an item of one character can match."""
    match operation:
        case "LITERAL":
            return _range(argument, argument)
        case "NOT_LITERAL":
            return _others(_range(argument, argument))
        case "IN":
            return _one_of(argument)
    return ANY


def _one_of(items: Sequence[Any]) -> int:
    allowed = 0
    for operation, argument in items:
        match str(operation):
            case "LITERAL":
                allowed |= _range(argument, argument)
            case "RANGE":
                allowed |= _range(*argument)
            case "CATEGORY":
                return ANY
    return _others(allowed) if str(items[0][0]) == "NEGATE" else allowed


def _range(first: int, last: int) -> int:
    return (1 << min(last, CHARACTERS - 1) + 1) - (1 << min(first, CHARACTERS - 1))


def _others(characters: int) -> int:
    return ANY & ~characters | _BEYOND
