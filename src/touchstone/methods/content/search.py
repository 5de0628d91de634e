"""Thousands of words searched for in megabytes of text at once.

A word can begin only where the hash of the next characters is that of the beginning of some word: asked of all places
together, as array operations, that leaves a few places of a hundred, which are then looked at one by one. A filter by
blocks in the manner of Wu and Manber 1994 (TR 94-17, University of Arizona), with blocks of two to eight characters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.content.reading import BETWEEN, LATIN, Codes, Reading, as_read, kinds

ANY_ENDING = "*"
"""At the end of a word of Latin letters: whatever follows belongs to it."""
_SIZES = (2, 3, 4, 6, 8)
"""Of blocks. A word is known by the longest that it fills: `the ` alone would say little."""
_BITS = 18
_FACTORS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0xD3A2646D, 0xFD7046C5, 0xB55A4F09)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Word number `word` from `start` to `end` of a reading, in its text number `text`."""

    text: int
    start: int
    end: int
    word: int


@dataclass(frozen=True, slots=True)
class _Word:
    number: int
    text: str
    whole: bool
    """Whether a Latin letter or digit after it makes it another word."""


class WordSearch:
    """Words as they are read, compiled. Latin ones begin, and unless they end in `*` also end, where words do.

    Raises `ValueError` for a word of fewer than two characters.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._by_block: dict[int, dict[str, list[_Word]]] = {size: defaultdict(list) for size in _SIZES}
        plainly = as_read([word.removesuffix(ANY_ENDING) for word in words])
        for number, (word, plain) in enumerate(zip(words, plainly, strict=True)):
            if len(plain) < _SIZES[0]:
                raise ValueError(f"{word!r} is too short to search for")
            size = max(each for each in _SIZES if each <= len(plain))
            whole = not word.endswith(ANY_ENDING) and bool(kinds()[ord(plain[-1])] == LATIN)
            self._by_block[size][plain[:size]].append(_Word(number, plain, whole))
        self._blocks = {size: _hashes(blocks, size) for size, blocks in self._by_block.items()}
        self._beginnings = {size: _hashes(self._of_at_least(size), size) for size in _SIZES}

    def _of_at_least(self, size: int) -> set[str]:
        """Beginnings, of that size, of all words that fill a block of that size."""
        return {block[:size] for larger, blocks in self._by_block.items() if larger >= size for block in blocks}

    def find(self, reading: Reading) -> list[Occurrence]:
        """Every occurrence of every word, in order of its place; they may overlap."""
        text, kind = reading.text(), kinds()[reading.codes]
        found = []
        for size, places in self._places(reading.codes):
            blocks = self._by_block[size]
            for place in places.tolist():
                for word in blocks.get(text[place : place + size], ()):
                    end = place + len(word.text)
                    if text.startswith(word.text, place) and not (word.whole and kind[end] == LATIN):
                        found.append((place, end, word.number))
        found.sort()
        texts = np.searchsorted(reading.starts, [place for place, _, _ in found], side="right") - 1
        return [Occurrence(number, *each) for number, each in zip(texts.tolist(), found, strict=True)]

    def _places(self, codes: Codes) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Where some word may begin, by the size of its block."""
        padded = np.concatenate([codes, np.full(_SIZES[-1], ord(BETWEEN), np.uint32)])
        kind = kinds()[codes]
        begins = kind > 0
        begins[1:] &= (kind[1:] != LATIN) | (kind[:-1] != LATIN)
        places = np.flatnonzero(begins)
        for size in _SIZES:
            hashed = _hash(padded, places, size)
            yield size, places[self._blocks[size][hashed]]
            places = places[self._beginnings[size][hashed]]


def _hash(codes: Codes, places: NDArray[np.int64], size: int) -> Codes:
    hashed = codes[places] * np.uint32(_FACTORS[0])
    for offset in range(1, size):
        hashed = hashed ^ (codes[places + offset] * np.uint32(_FACTORS[offset]))
    return hashed >> np.uint32(32 - _BITS)


def _hashes(blocks: Iterable[str], size: int) -> NDArray[np.bool_]:
    """Of which hashes there is a block."""
    table = np.zeros(1 << _BITS, dtype=bool)
    codes = np.array([[ord(letter) for letter in block] for block in blocks], dtype=np.uint32).reshape(-1, size)
    table[_hash(codes.ravel(), np.arange(len(codes)) * size, size)] = True
    return table
