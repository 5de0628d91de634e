"""Where in a text matches of many patterns may begin, looked for all at once.

A bit for each pattern, in a table for each of the first places of a match: looking characters up and joining what is
found bit by bit asks all patterns at all places (Baeza-Yates and Gonnet 1992, CACM 35(10), without the shift).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.privacy.personal.beginnings import BOUNDARY, CHARACTERS, DEPTH, Beginnings

BLOCK = 1 << 15
"""Characters looked at together: few enough to stay close to the processor."""
BITS = 64
FIRST = 3
"""Places of a match that are looked up everywhere; those behind them only where the first allow a match."""
LETTERS, HASHES, FACTOR = 6, 1 << 16, 40_503
"""Of a word from a list so many characters are looked at, by their hash."""
Bits = NDArray[np.uint64]
Positions = NDArray[np.int64]


class Places:
    """Beginnings of patterns as tables of bits."""

    def __init__(self, patterns: Sequence[Beginnings]) -> None:
        self._groups = [_Group(patterns[start : start + BITS]) for start in range(0, len(patterns), BITS)]

    def of(self, text: str) -> list[Positions]:
        """For each pattern where its matches in a text may begin, in order: never too few, sometimes too many."""
        found: list[list[tuple[Positions, Bits]]] = [[] for _ in self._groups]
        for start in range(0, max(1, len(text)), BLOCK):
            codes = _codes(text, start)
            for group, parts in zip(self._groups, found, strict=True):
                at, bits = group.allowed(codes)
                parts.append((at + start, bits))
        return [places for group, parts in zip(self._groups, found, strict=True) for places in group.by_pattern(parts)]


class _Group:
    """So many patterns that a number has a bit for each."""

    def __init__(self, patterns: Sequence[Beginnings]) -> None:
        self._count = len(patterns)
        self._words = [(_bit(number), _Words(each.words)) for number, each in enumerate(patterns) if each.words]
        self._tables = [np.zeros(CHARACTERS, np.uint64) for _ in range(DEPTH + 1)]
        for number, begins in enumerate(patterns):
            for place, characters in enumerate((begins.before, *begins.at)):
                self._tables[place] |= _spread(characters) * _bit(number)

    def by_pattern(self, parts: Sequence[tuple[Positions, Bits]]) -> list[Positions]:
        """Those of what was allowed that each of the patterns may begin at."""
        places, bits = (np.concatenate(each) for each in zip(*parts, strict=True))
        return [places[bits & _bit(number) != 0] for number in range(self._count)]

    def allowed(self, codes: Positions) -> tuple[Positions, Bits]:
        """Places of a block at which any pattern may begin, and which: bits."""
        count = len(codes) - DEPTH - 1
        bits = _looked_up(self._tables[0], codes[:count])
        for place in range(1, FIRST + 1):
            bits &= _looked_up(self._tables[place], codes[place : place + count])
        at = np.flatnonzero(bits != 0)
        bits = bits[at]
        for place in range(FIRST + 1, DEPTH + 1):
            bits &= _looked_up(self._tables[place], codes[at + place])
        for bit, words in self._words:
            asked = np.flatnonzero(bits & bit)
            bits[asked[~words.may_begin(codes, at[asked] + 1)]] &= ~bit
        left = bits != 0
        return at[left], bits[left]


class _Words:
    """Hashes of the first characters of words; of short words, of all."""

    def __init__(self, words: frozenset[str]) -> None:
        self._known = {length: np.zeros(HASHES, np.bool_) for length in {min(LETTERS, len(word)) for word in words}}
        for length, known in self._known.items():
            alike = [[*map(ord, word[:length])] for word in words if min(LETTERS, len(word)) == length]
            known[_hashes(np.array(alike).T)[-1]] = True

    def may_begin(self, codes: Positions, at: Positions) -> NDArray[np.bool_]:
        """Whether one of the words may begin at a place."""
        hashes = _hashes([codes[at + place] for place in range(max(self._known))])
        found = np.zeros(len(at), np.bool_)
        for length, known in self._known.items():
            found |= known[hashes[length - 1]]
        return found


def _hashes(letters: Iterable[Positions]) -> list[Positions]:
    """Of the first character, the first two, and so on."""
    hashes: list[Positions] = []
    for codes in letters:
        hashes.append(((hashes[-1] * FACTOR if hashes else 0) + codes) & HASHES - 1)
    return hashes


def _bit(number: int) -> np.uint64:
    return np.uint64(1 << number)


def _spread(characters: int) -> Bits:
    """A set of characters as ones and zeros."""
    in_bytes = np.frombuffer(characters.to_bytes(CHARACTERS // 8, "little"), np.uint8)
    return np.unpackbits(in_bytes, bitorder="little").astype(np.uint64)


def _codes(text: str, start: int) -> Positions:
    """The characters of a block as numbers, with the one before it and those that a match at its end may begin with."""
    before = text[start - 1] if start else BOUNDARY
    read = before + text[start : start + BLOCK + DEPTH]
    read += BOUNDARY * (min(BLOCK, len(text) - start) + DEPTH + 1 - len(read))
    return np.frombuffer(read.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)


def _looked_up(table: Bits, codes: Positions) -> Bits:
    return np.take(table, codes, mode="clip")  # the last entry stands for all characters beyond the table
