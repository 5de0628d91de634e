"""Lexicons: words that stand for something by themselves or close to others, unless the context speaks otherwise."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from touchstone.methods.content.reading import BETWEEN, Reading, as_read, reading
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


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A topic in text number `text`. `words` are what was found, as it was read."""

    text: int
    lexicon: str
    words: tuple[str, ...]


class LexiconScanner:
    """All lexicons together, compiled into one search."""

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        self._lexicons = tuple(lexicons)
        numbers: dict[str, int] = {}
        self._roles: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        """Of every word: number of the lexicon, of its pattern, and of the list in that pattern."""
        self._patterns: list[list[int]] = []
        for number, lexicon in enumerate(self._lexicons):
            patterns = [(lexicon.terms,), *lexicon.patterns] if lexicon.terms else lexicon.patterns
            self._patterns.append([len(pattern) for pattern in patterns])
            for place, pattern in enumerate(patterns):
                for part, words in enumerate(pattern):
                    for word in words:
                        self._roles[numbers.setdefault(word, len(numbers))].append((number, place, part))
        self._search = WordSearch(list(numbers))
        self._contexts = [tuple(dict.fromkeys(as_read(each.unless))) for each in self._lexicons]

    def scan(self, texts: Sequence[str]) -> list[Finding]:
        """What the texts hold, each topic once for each text, in order of text and name."""
        found: list[Finding] = []
        for first, last in _batches(texts):
            batch = reading(texts[first:last])
            for number, occurrences in groupby(self._search.find(batch), key=lambda each: each.text):
                found += self._of_text(first + number, batch, list(occurrences))
        return sorted(found)

    def _of_text(self, number: int, batch: Reading, occurrences: list[Occurrence]) -> Iterator[Finding]:
        """Topics of one text, from the words that occur in it."""
        parts: dict[tuple[int, int], dict[int, list[Occurrence]]] = defaultdict(lambda: defaultdict(list))
        for each in occurrences:
            for lexicon, pattern, part in self._roles[each.word]:
                parts[lexicon, pattern][part].append(each)
        seen: set[int] = set()
        for (lexicon, pattern), by_part in parts.items():
            if lexicon in seen or len(by_part) < self._patterns[lexicon][pattern]:
                continue
            for words in _close(by_part, self._lexicons[lexicon].within):
                if not self._spoken_of_otherwise(lexicon, batch, words):
                    seen.add(lexicon)
                    said = tuple(batch.text(each.start, each.end) for each in words)
                    yield Finding(number, self._lexicons[lexicon].name, said)
                    break

    def _spoken_of_otherwise(self, lexicon: int, batch: Reading, words: Sequence[Occurrence]) -> bool:
        """Whether a word of the context stands near."""
        if not self._contexts[lexicon]:
            return False
        number = words[0].text
        first = int(batch.starts[number])
        last = int(batch.starts[number + 1]) if number + 1 < len(batch.starts) else len(batch.codes)
        start, end = min(each.start for each in words), max(each.end for each in words)
        start, end = max(first, start - CONTEXT), min(last, end + CONTEXT)
        near = list(batch.text(start, end))
        for each in words:  # a word that was found is no context of itself
            near[each.start - start : each.end - start] = BETWEEN * (each.end - each.start)
        around = "".join(near)
        return any(word in around for word in self._contexts[lexicon])


def _close(by_part: dict[int, list[Occurrence]], within: int) -> Iterator[tuple[Occurrence, ...]]:
    """Occurrences of all parts of a pattern, each at most `within` characters from one of the first part."""
    others = [(part, [each.start for each in by_part[part]]) for part in sorted(by_part) if part]
    for first in by_part[0]:
        chosen = [first]
        for part, starts in others:
            near = _nearest(by_part[part], starts, first, within)
            if near is None:
                break
            chosen.append(near)
        else:
            yield tuple(chosen)


def _nearest(candidates: list[Occurrence], starts: list[int], first: Occurrence, within: int) -> Occurrence | None:
    """One that does not overlap `first` and is not too far from it; `candidates` in order of their `starts`."""
    after = bisect_left(starts, first.end)
    if after < len(candidates) and candidates[after].start - first.end <= within:
        return candidates[after]
    for each in reversed(candidates[:after]):
        if each.end <= first.start:
            return each if first.start - each.end <= within else None
    return None


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) text of each batch of about `BATCH` characters."""
    first = size = 0
    for number, text in enumerate(texts, 1):
        size += len(text)
        if size >= BATCH or number == len(texts):
            yield first, number
            first, size = number, 0
