"""Lexicons: words that stand for something by themselves or close to others, unless the context speaks otherwise."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from touchstone.methods.content.reading import Reading, as_read, reading
from touchstone.methods.content.search import Occurrence, WordSearch

CONTEXT = 80
"""Characters before and after a finding in which its context is looked for."""
BATCH = 200_000
"""Characters that are read at once: the arrays fit into a processor's cache."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One topic. `terms` are found by themselves, a pattern where a word of each of its lists stands close together."""

    name: str
    terms: tuple[str, ...] = ()
    patterns: tuple[tuple[tuple[str, ...], ...], ...] = ()
    within: int = 12
    """Most characters between the words of a pattern."""
    unless: tuple[str, ...] = ()
    """Words of a context in which nothing is found: news, law, prevention, education."""
    compounds: tuple[str, ...] = ()
    """Longer words that hold one of these and mean something else: a bath bomb."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A topic in text number `text`. `words` are what was found, as it was read."""

    text: int
    lexicon: str
    words: tuple[str, ...]
    excused: bool = False
    """Whether it stands beside a word of its context wherever it stands."""


class LexiconScanner:
    """All lexicons together, compiled into one search."""

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        self._lexicons = tuple(lexicons)
        lists: dict[tuple[str, ...], int] = {}
        self._patterns: dict[int, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
        """By the first of its lists: the numbers of a lexicon and of the lists of one of its patterns."""
        for number, lexicon in enumerate(self._lexicons):
            for pattern in ((lexicon.terms,), *lexicon.patterns):
                first, *others = (lists.setdefault(words, len(lists)) for words in pattern)
                self._patterns[first].append((number, (first, *others)))
        words = dict.fromkeys(word for each in lists for word in each)
        self._search = WordSearch(list(words))
        self._lists_of = [[number for each, number in lists.items() if word in each] for word in words]
        self._contexts = [tuple(dict.fromkeys(as_read(each.unless))) for each in self._lexicons]
        self._compounds = [tuple(dict.fromkeys(as_read(each.compounds))) for each in self._lexicons]

    def scan(self, texts: Sequence[str], *, excused: bool = False) -> list[Finding]:
        """What the texts hold, each topic once for each text, in order of text and name; on request the excused too."""
        found: list[Finding] = []
        for first, last in _batches(texts):
            batch = reading(texts[first:last])
            for number, occurrences in groupby(self._search.find(batch), key=lambda each: each.text):
                found += self._of_text(first + number, batch, list(occurrences))
        return sorted(each for each in found if excused or not each.excused)

    def _of_text(self, number: int, batch: Reading, occurrences: list[Occurrence]) -> Iterable[Finding]:
        """Topics of one text, from the words that occur in it."""
        by_list: dict[int, list[Occurrence]] = defaultdict(list)
        for each in occurrences:
            for number_of_list in self._lists_of[each.word]:
                by_list[number_of_list].append(each)
        seen: dict[int, Finding] = {}
        for first in by_list:
            for lexicon, pattern in self._patterns.get(first, ()):
                if (lexicon in seen and not seen[lexicon].excused) or not all(each in by_list for each in pattern):
                    continue
                for words in _close([by_list[each] for each in pattern], self._lexicons[lexicon].within):
                    excused = self._excused(lexicon, batch, words)
                    if excused is None or (excused and lexicon in seen):
                        continue
                    said = tuple(batch.text(each.start, each.end) for each in words)
                    seen[lexicon] = Finding(number, self._lexicons[lexicon].name, said, excused)
                    if not excused:
                        break
        return seen.values()

    def _excused(self, lexicon: int, batch: Reading, words: Sequence[Occurrence]) -> bool | None:
        """Whether a word of the context stands near; `None` where what was found is a part of longer words."""
        number = words[0].text
        first = int(batch.starts[number])
        last = int(batch.starts[number + 1]) if number + 1 < len(batch.starts) else len(batch.codes)
        start, end = min(each.start for each in words), max(each.end for each in words)
        start, end = max(first, start - CONTEXT), min(last, end + CONTEXT)
        near = batch.text(start, end)
        found = [(each.start - start, each.end - start) for each in words]
        longer = _places(self._compounds[lexicon], near)
        if any(any(at <= low and high <= to for low, high in found) for at, to in longer):
            return None
        return any(
            not any(low <= at and to <= high for low, high in found)  # a part of what was found is no context of it
            for at, to in _places(self._contexts[lexicon], near)
        )


def _places(words: Iterable[str], text: str) -> Iterator[tuple[int, int]]:
    """Where any of the words stands in a text: beginning and end."""
    for word in words:
        at = text.find(word)
        while at >= 0:
            yield at, at + len(word)
            at = text.find(word, at + 1)


def _close(lists: Sequence[list[Occurrence]], within: int) -> Iterator[tuple[Occurrence, ...]]:
    """One occurrence of each list, at most `within` characters from one of the first."""
    others = [(occurrences, [each.start for each in occurrences]) for occurrences in lists[1:]]
    for first in lists[0]:
        near = [_nearest(occurrences, starts, first, within) for occurrences, starts in others]
        found = [each for each in near if each is not None]
        if len(found) == len(others):
            yield (first, *found)


def _nearest(candidates: list[Occurrence], starts: list[int], first: Occurrence, within: int) -> Occurrence | None:
    """One that does not overlap `first` and is not too far from it; `candidates` in order of their `starts`."""
    after = bisect_left(starts, first.end)
    if after < len(candidates) and candidates[after].start - first.end <= within:
        return candidates[after]
    for place in range(after - 1, -1, -1):
        if candidates[place].end <= first.start:
            return candidates[place] if first.start - candidates[place].end <= within else None
    return None


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) text of each batch of about `BATCH` characters."""
    first = size = 0
    for number, text in enumerate(texts, 1):
        size += len(text)
        if size >= BATCH or number == len(texts):
            yield first, number
            first, size = number, 0
