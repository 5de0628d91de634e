"""Texts are searched together, and closely only where matches of a kind may begin.

What then matched has to add up (check digits), to be made of words from a list (names), and to be likely enough: words
of the kind's context close by raise the confidence. Of findings that overlap the surest stays, then the longest.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from touchstone.methods.privacy.personal.beginnings import BOUNDARY, beginnings
from touchstone.methods.privacy.personal.check_digits import CHECKS
from touchstone.methods.privacy.personal.places import Places

CONTEXT_BEFORE, CONTEXT_AFTER = 40, 16
"""Characters around a match in which words of its context count."""
LONGEST_AFTER = 200
"""How far beyond its anchor a match that begins before it may reach."""
ENOUGH = 0.5
"""Confidence below which nothing is reported."""
_DIGIT = re.compile(r"[0-9]")
_LETTER = re.compile(r"[A-Za-zÀ-ɏ]")
_CHARACTER = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One kind of personal information and how a text gives it away. Compiled from what a pack declares.

    Raises `re.error` for a pattern that cannot be read.
    """

    id: str
    pattern: str
    alone: float
    near: float
    sensitive: bool = False
    anchor: str = ""
    """What a match that can begin with anything is found by."""
    back: int = 0
    """How many characters before its anchor a match may begin."""
    check: str | None = None
    among: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Lists that groups of the pattern have to be found in."""
    exclude: Mapping[str, frozenset[str]] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    columns_only: bool = False


class Finding(NamedTuple):
    """Where in the text something of a kind stands."""

    kind: str
    start: int
    end: int
    sensitive: bool


class Scanner:
    """All recognisers together, compiled."""

    def __init__(self, recognisers: Iterable[Recogniser]) -> None:
        self._recognisers = [_Compiled(each) for each in recognisers]
        self._places = Places([each.begins for each in self._recognisers])

    def scan(self, text: str, column: str = "") -> list[Finding]:
        """Everything personal in a text, in order; `column` is the name of the column that the text is a cell of."""
        return self.scan_all([text], [column]).get(0, [])

    def scan_all(self, texts: Sequence[str], columns: Sequence[str]) -> dict[int, list[Finding]]:
        """The same of many texts, for short ones in a small part of the time: of those that hold any, by number."""
        behind = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + len(BOUNDARY))
        first = np.concatenate([[0], behind])
        in_column = np.fromiter(map(bool, columns), np.bool_, len(texts))
        found: defaultdict[int, list[_Possible]] = defaultdict(list)
        for recogniser, places in zip(self._recognisers, self._places.of(BOUNDARY.join(texts)), strict=True):
            owners = np.searchsorted(behind, places, side="right")
            within = places - first[owners]
            if recogniser.declared.columns_only:
                owners, within = owners[in_column[owners]], within[in_column[owners]]
            for owner, possible in recogniser.find(texts, columns, owners.tolist(), within.tolist()):
                found[owner].append(possible)
        return {owner: _findings(found[owner], columns[owner]) for owner in sorted(found)}


class _Compiled:
    """A recogniser ready to be tried at places."""

    def __init__(self, declared: Recogniser) -> None:
        self.declared = declared
        self.kind, self.sensitive = declared.id, declared.sensitive
        self._alone_enough = declared.alone >= ENOUGH
        self._pattern = re.compile(declared.pattern)
        self._sought = re.compile(declared.anchor) if declared.anchor else self._pattern
        self._context = re.compile("|".join(re.escape(word.lower()) for word in declared.context) or r"(?!)")
        self._check = CHECKS[declared.check] if declared.check else None
        self._among, self._exclude = tuple(declared.among.items()), tuple(declared.exclude.items())
        self._value = "value" if "value" in self._pattern.groupindex else 0
        self._is_named = cache(lambda column: bool(self._context.search(column.lower())))
        self.begins = beginnings(self._sought.pattern, {} if declared.anchor else declared.among)

    def find(
        self, texts: Sequence[str], columns: Sequence[str], owners: list[int], places: list[int]
    ) -> Iterator[tuple[int, _Possible]]:
        """What begins at one of the places, or holds an anchor that does; each with whose text it is in.

        `places` lie in the texts that `owners` say, in order.
        """
        anchored, back = bool(self.declared.anchor), self.declared.back
        last, reached, tried = -1, 0, 0
        sought = map(self._sought.match, map(texts.__getitem__, owners), places)
        for owner, match in zip(owners, sought, strict=True):
            if match is None:
                continue
            if owner != last:
                last, reached, tried = owner, 0, 0
            start = match.start()
            if start < reached:  # what is found is not looked at again
                continue
            for whole in self._reaching(match, max(tried, start - back)) if anchored else (match,):
                if self._fits(whole) and (self._alone_enough or self.confidence(whole, columns[owner]) >= ENOUGH):
                    reached = whole.end()
                    yield owner, (*whole.span(self._value), self, whole)
                    break
            tried = start + 1

    def _reaching(self, anchor: re.Match[str], first: int) -> Iterator[re.Match[str]]:
        """Matches that begin between `first` and the anchor and reach it."""
        text, start, end = anchor.string, anchor.start(), anchor.end() + LONGEST_AFTER
        while match := self._pattern.search(text, first, end):
            if match.start() > start:
                return
            if match.end() >= start:
                yield match
            first = match.start() + 1

    def _fits(self, match: re.Match[str]) -> bool:
        for group, words in self._among:
            if match[group] not in words:
                return False
        for group, words in self._exclude:
            if match[group] in words:
                return False
        return self._check is None or self._check(match[self._value])

    def confidence(self, match: re.Match[str], column: str) -> float:
        """How sure a match is, by what stands around it or in the name of its column."""
        (start, end), text, search = match.span(), match.string, self._context.search
        before, after = text[max(0, start - CONTEXT_BEFORE) : start], text[end : end + CONTEXT_AFTER]
        if search(before.lower()) or search(after.lower()) or (column and self._is_named(column)):
            return self.declared.near
        return self.declared.alone


_Possible = tuple[int, int, _Compiled, re.Match[str]]
"""From where to where something may be personal, what recognised it, and all that matched."""


def masked(text: str) -> str:
    """The shape of a text and nothing else: digits as 9, letters as x, characters as 某. Marks between them stay."""
    return _CHARACTER.sub("某", _LETTER.sub("x", _DIGIT.sub("9", text)))


def _findings(found: list[_Possible], column: str) -> list[Finding]:
    """What was found in a text, in order of its places; of what overlaps the surest stays, then the longest."""
    if len(found) > 1:
        found.sort(key=itemgetter(0))
        if any(one[1] > other[0] for one, other in pairwise(found)):
            found = _surest(found, column)
    return [Finding(by.kind, start, end, by.sensitive) for start, end, by, _ in found]


def _surest(found: list[_Possible], column: str) -> list[_Possible]:
    """Those that lose against none they overlap with, in order of their places."""

    def rank(possible: _Possible) -> tuple[float, int, int, str]:
        start, end, by, match = possible
        return -by.confidence(match, column), start - end, start, by.kind

    kept: list[_Possible] = []
    starts: list[int] = []
    for possible in sorted(found, key=rank):
        start, end, *_ = possible
        place = bisect_right(starts, start)
        free_before = place == 0 or kept[place - 1][1] <= start
        if free_before and (place == len(kept) or end <= kept[place][0]):
            kept.insert(place, possible)
            starts.insert(place, start)
    return kept
