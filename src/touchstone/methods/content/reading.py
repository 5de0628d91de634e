"""Texts as a reader sees them, many at once: what was put in to escape a search is taken out again.

Undone are compatibility forms and HTML entities, letters of other scripts and accents (Unicode Technical Standard 39),
case, invisible and combining characters, traditional forms, digits for letters, signs between Chinese characters and
between single letters. Not undone are typos, dropped or joined words, homophones, and characters taken apart.

The same disguises as in `defences.text_normalisation`, which serves a model one text at a time and keeps what a word
list need not keep; here speed decides.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.text.chinese import simplified
from touchstone.methods.attacks.text.english import LEET
from touchstone.methods.content.entities import unescaped
from touchstone.scan.look_alikes import skeleton

Codes = NDArray[np.uint32]
Mask = NDArray[np.bool_]

BETWEEN = "\0"
"""Stands between two texts of a batch: nothing that is searched for holds it, so nothing reaches across."""
LATIN, HAN = 1, 2
"""Kinds of characters."""
_CODE_POINTS = 0x110000
_GONE, _SEVERAL = 0xFFFFFFFF, 0xFFFFFFFE
_SPACE = ord(" ")
_HAN = ((0x3400, 0xA000), (0x20000, 0x323B0))
_AS_THEY_ARE = (_HAN[0], (0xAC00, 0xD7A4), (0xD800, 0xF900))
"""Of Chinese characters only the traditional have another form; Hangul, surrogates and private use have none."""
_STYLED = ((0x1D400, 0x1D800), (0x1F100, 0x1F200), (0x2F800, 0x2FA20))
"""Beyond the basic plane: mathematical letters, letters in frames, compatibility characters."""
_TAGS = (0xE0000, 0xE01F0)
_LOOSE = " *·.|_~-+/^#"
"""Signs that evaders put between characters."""
_LONGEST_GAP = 3
_PLAIN_SIGNS = {
    **dict.fromkeys("\u2018\u2019\u02bc", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015", "-"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch of texts as one array of characters, `BETWEEN` after each; text `i` begins at `starts[i]`."""

    codes: Codes
    starts: NDArray[np.int64]

    def text(self, start: int = 0, end: int | None = None) -> str:
        """A stretch of it, as it is read."""
        return self.codes[start:end].tobytes().decode("utf-32-le", errors="replace")


def reading(texts: Sequence[str]) -> Reading:
    """The texts as they are read. Reading what was read changes nothing more than a disguise within a disguise.

    >>> reading(["Ｂ0mb", "炸\u200b 彈", "k.i.l.l", "&#28856;药"]).text()
    'bomb\\x00炸弹\\x00kill\\x00炸药\\x00'
    """
    joined = unescaped("".join(text.replace(BETWEEN, " ") + BETWEEN for text in texts))
    codes = _forms()[_codes(joined)]
    if (codes == _SEVERAL).any():
        codes = _forms()[_codes(joined.translate(_expansions()))]
    codes = _without(codes, codes == _GONE)
    codes = _letters_for_digits(codes)
    codes = _without(codes, _loose_signs(codes))
    codes = _single_spaces(codes)
    ends = np.flatnonzero(codes == ord(BETWEEN))
    return Reading(codes, np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.zeros(0, np.int64))


def as_read(words: Sequence[str]) -> list[str]:
    """Short texts as they are read, each without spaces around it."""
    return [word.strip() for word in reading(words).text().split(BETWEEN)[: len(words)]]


@cache
def kinds() -> NDArray[np.uint8]:
    """Of every character whether it is a letter or digit of the Latin script (1), a Chinese character (2), or not."""
    table = np.zeros(_CODE_POINTS, dtype=np.uint8)
    table[ord("a") : ord("z") + 1] = table[ord("0") : ord("9") + 1] = LATIN
    for low, high in _HAN:
        table[low:high] = HAN
    return table


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")


@cache
def _forms() -> Codes:
    """What every character is read as: `_GONE` what nobody sees, `_SEVERAL` what stands for several letters."""
    table = np.arange(_CODE_POINTS, dtype=np.uint32)
    for code in _with_forms():
        table[code] = np.uint32(_form(chr(code)))
    for code in range(*_HAN[0]):
        table[code] = np.uint32(ord(simplified(chr(code))))
    table[slice(*_TAGS)] = _GONE
    return table


def _with_forms() -> Iterator[int]:
    """Characters that may be read as others."""
    edges = (0, *chain(*_AS_THEY_ARE), 0x10000)
    for low, high in (*zip(edges[::2], edges[1::2], strict=True), *_STYLED):
        yield from range(low, high)


def _form(character: str) -> int:
    if character == BETWEEN:
        return ord(character)
    if character.isspace():
        return _SPACE
    plain = skeleton(character)
    plain = _PLAIN_SIGNS.get(plain, plain)
    base = unicodedata.normalize("NFKD", plain)[:1]
    if len(plain) == 1:
        return ord(base if base.isascii() and base.isalpha() else simplified(plain))
    if any(each.isalnum() for each in plain):
        return _SEVERAL
    return ord(plain[0]) if plain else _GONE


@cache
def _expansions() -> dict[int, str]:
    """What characters that stand for several letters are written as: ligatures, units, fractions."""
    return {code: skeleton(chr(code)) for code in np.flatnonzero(_forms() == _SEVERAL).tolist()}


@cache
def _digit_letters() -> Codes:
    """The letter that a digit or sign stands for within a word, 0 for none."""
    table = np.zeros(_CODE_POINTS, dtype=np.uint32)
    for letter, signs in reversed(LEET.items()):
        for sign in signs:
            table[ord(sign)] = ord(letter)
    return table


@cache
def _is_loose() -> Mask:
    table = np.zeros(_CODE_POINTS, dtype=bool)
    table[[ord(sign) for sign in _LOOSE]] = True
    return table


def _without(codes: Codes, gone: Mask) -> Codes:
    return codes[~gone] if gone.any() else codes


def _runs(places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last place of each run of consecutive ones."""
    breaks = np.flatnonzero(np.diff(places) > 1)
    return places[np.concatenate([[0], breaks + 1])], places[np.concatenate([breaks, [len(places) - 1]])]


def _letters_for_digits(codes: Codes) -> Codes:
    """Short runs of digits and signs between two letters become the letters they look like."""
    letters = _digit_letters()[codes]
    places = np.flatnonzero(letters)
    if not len(places):
        return codes
    first, last = _runs(places)
    is_letter = (codes >= ord("a")) & (codes <= ord("z"))
    within = (first > 0) & (last - first < _LONGEST_GAP) & is_letter[first - 1]
    within &= is_letter[np.minimum(last + 1, len(codes) - 1)]
    changed = codes.copy()
    for offset in range(_LONGEST_GAP):
        at = first[within & (first + offset <= last)] + offset
        changed[at] = letters[at]
    return changed


def _loose_signs(codes: Codes) -> Mask:
    """Signs between two Chinese characters, and the same one between each of three or more single letters."""
    gone = np.zeros(len(codes), dtype=bool)
    loose, kind = _is_loose()[codes], kinds()[codes]
    starts = np.flatnonzero(loose[1:] & (kind[:-1] == HAN)) + 1
    for length in range(1, _LONGEST_GAP + 1):
        starts = starts[starts + length < len(codes)]
        closed = starts[kind[starts + length] == HAN]
        for offset in range(length):
            gone[closed + offset] = True
        starts = starts[loose[starts + length]]
    letter = kind == LATIN
    letter[1:] &= kind[:-1] != LATIN
    letter[:-1] &= kind[1:] != LATIN
    letters = np.flatnonzero(letter)
    gaps = letters[:-1][(np.diff(letters) == 2) & loose[letters[:-1] + 1]] + 1
    next_too = (np.diff(gaps) == 2) & (codes[gaps[1:]] == codes[gaps[:-1]])
    gone[gaps[:-1][next_too]] = gone[gaps[1:][next_too]] = True
    return gone


def _single_spaces(codes: Codes) -> Codes:
    """Hyphens and low lines are spaces, and spaces stand alone."""
    spaced = np.where((codes == ord("-")) | (codes == ord("_")), np.uint32(_SPACE), codes)
    space = spaced == _SPACE
    again = np.zeros(len(codes), dtype=bool)
    again[1:] = space[1:] & space[:-1]
    return _without(spaced, again)
