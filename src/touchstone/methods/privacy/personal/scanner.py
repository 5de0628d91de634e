"""A text is searched once for each *anchor*, something short that a kind needs; only there is more looked at.

What then matched has to add up (check digits), to be made of words from a list (names), and to be likely enough: words
of the kind's context close by raise the confidence. Of findings that overlap the surest stays, then the longest.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from touchstone.methods.privacy.personal.check_digits import CHECKS

CONTEXT_BEFORE, CONTEXT_AFTER = 40, 16
"""Characters around a match in which words of its context count."""
LONGEST_AFTER = 200
"""How far beyond its anchor a match that begins before it may reach."""
LEAST_CONFIDENCE = 0.5
_DIGIT = re.compile(r"[0-9]")
_LETTER = re.compile(r"[A-Za-zÀ-ɏ]")
_CHARACTER = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One kind of personal information and how a text gives it away. Compiled from what a pack declares.

    Raises `re.error` for a pattern that cannot be read.
    """

    id: str
    anchor: str
    pattern: str
    alone: float
    near: float
    sensitive: bool = False
    back: int = 0
    """How many characters before its anchor a match may begin."""
    check: str | None = None
    among: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Lists that groups of the pattern have to be found in."""
    exclude: Mapping[str, frozenset[str]] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    columns_only: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Where in the text something of a kind stands, and how sure that is."""

    kind: str
    start: int
    end: int
    confidence: float
    sensitive: bool


class Scanner:
    """All recognisers together, compiled: one pass over a text for each distinct anchor."""

    def __init__(self, recognisers: Iterable[Recogniser]) -> None:
        compiled = [_Compiled(each) for each in recognisers]
        self._always = _passes(each for each in compiled if not each.declared.columns_only)
        self._cells = _passes(each for each in compiled if each.declared.columns_only)

    def scan(self, text: str, column: str = "") -> list[Finding]:
        """Everything personal in a text, in order; `column` is the name of the column that the text is a cell of."""
        passes = (*self._always, *self._cells) if column else self._always
        found = [finding for each in passes for finding in each.found(text, column)]
        return _surest(found) if len(found) > 1 else found


@dataclass(frozen=True, slots=True)
class _Pass:
    """All recognisers of one anchor."""

    anchor: re.Pattern[str]
    gate: re.Pattern[str]
    """Any of their patterns, where that can be asked at once: most anchors lead to nothing."""
    recognisers: tuple[_Compiled, ...]

    def found(self, text: str, column: str) -> Iterator[Finding]:
        reached = [0] * len(self.recognisers)
        for place in self.anchor.finditer(text):
            start = place.start()
            if not self.gate.match(text, start):
                continue
            for number, recogniser in enumerate(self.recognisers):
                if start < reached[number]:  # what a match already covers is not looked at again
                    continue
                finding, end = recogniser.at(start, place.end(), text, column)
                reached[number] = max(reached[number], end)
                if finding is not None:
                    yield finding


class _Compiled:
    """A recogniser ready to be tried at a place."""

    def __init__(self, declared: Recogniser) -> None:
        self.declared = declared
        self._pattern = re.compile(declared.pattern)
        self._context = re.compile("|".join(map(re.escape, declared.context)) or r"(?!)", re.IGNORECASE)
        self._check = CHECKS[declared.check] if declared.check else None
        self.groups = self._pattern.groupindex
        self._value = "value" if "value" in self.groups else 0

    def at(self, start: int, end: int, text: str, column: str) -> tuple[Finding | None, int]:
        """What begins at the anchor, or up to `back` characters earlier and reaches it; and how far it was read."""
        for match in self._matches(start, end, text):
            if self._fits(match):
                confidence = self._confidence(match, text, column)
                if confidence >= LEAST_CONFIDENCE:
                    place = match.span(self._value)
                    return Finding(self.declared.id, *place, confidence, self.declared.sensitive), match.end()
        return None, 0

    def _matches(self, start: int, end: int, text: str) -> Iterator[re.Match[str]]:
        if not self.declared.back:
            match = self._pattern.match(text, start)
            if match:
                yield match
            return
        first = max(0, start - self.declared.back)
        while match := self._pattern.search(text, first, end + LONGEST_AFTER):
            if match.start() > start:
                return
            if match.end() >= start:
                yield match
            first = match.start() + 1

    def _fits(self, match: re.Match[str]) -> bool:
        if self._check is not None and not self._check(match[self._value]):
            return False
        if any(match[group] not in words for group, words in self.declared.among.items()):
            return False
        return not any(match[group] in words for group, words in self.declared.exclude.items())

    def _confidence(self, match: re.Match[str], text: str, column: str) -> float:
        before = self._context.search(text, max(0, match.start() - CONTEXT_BEFORE), match.start())
        known = before or self._context.search(text, match.end(), match.end() + CONTEXT_AFTER)
        if not known and column:
            known = self._context.search(column)
        return self.declared.near if known else self.declared.alone


def masked(text: str) -> str:
    """The shape of a text and nothing else: digits as 9, letters as x, characters as 某. Marks between them stay."""
    return _CHARACTER.sub("某", _LETTER.sub("x", _DIGIT.sub("9", text)))


def _passes(recognisers: Iterable[_Compiled]) -> tuple[_Pass, ...]:
    in_order = sorted(recognisers, key=lambda each: each.declared.anchor)
    passes = []
    for anchor, group in groupby(in_order, key=lambda each: each.declared.anchor):
        together = tuple(group)
        askable = len(together) > 1 and not any(each.declared.back or each.groups for each in together)
        gate = "|".join(each.declared.pattern for each in together) if askable else ""
        passes.append(_Pass(re.compile(anchor), re.compile(gate), together))
    return tuple(passes)


def _surest(found: list[Finding]) -> list[Finding]:
    """Those that lose against none they overlap with, in order of their places."""
    kept: list[Finding] = []
    starts: list[int] = []
    for finding in sorted(found, key=lambda each: (-each.confidence, each.start - each.end, each.start, each.kind)):
        place = bisect_right(starts, finding.start)
        free_before = place == 0 or kept[place - 1].end <= finding.start
        if free_before and (place == len(kept) or finding.end <= kept[place].start):
            kept.insert(place, finding)
            starts.insert(place, finding.start)
    return kept
