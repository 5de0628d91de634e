"""Perturbations of Chinese characters that readers see through: sound, shape, parts, older forms, things in between.

Each function gives the variants of one character. The tables are small and plain: common characters by syllable
without tones, groups of characters of like shape, characters that fall apart into readable halves, and simplified
characters with their traditional forms. Characters that sound or look alike and would turn the meaning round (买 for
卖) are left out.

Families as in Zhang et al. 2020 (Argot) and Su et al. 2022 (RoCBert), written anew.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

SEPARATORS = (" ", "*", "·", ".", "|", "\u200b")
"""What evaders put between characters; the last is the zero-width space nobody sees."""
PARTICLES = frozenset("的了吧啊呢呀啦嘛哦么地得着")
"""Characters that can be missing without taking the meaning with them. Negations are not among them."""


def homophones(character: str) -> list[str]:
    """Characters of the same syllable.

    >>> homophones("的")
    ['得', '地', '德']
    """
    return _others(character, _groups("pinyin.txt"))


def look_alike_characters(character: str) -> list[str]:
    """Characters of nearly the same shape (形近字)."""
    return _others(character, _groups("look_alike_characters.txt"))


def components(character: str) -> list[str]:
    """The character taken apart (拆字).

    >>> components("好")
    ['女子']
    """
    parts = _components().get(character)
    return [] if parts is None else [parts]


def variant_forms(character: str) -> list[str]:
    """The traditional form of a simplified character, or the other way round."""
    form = _variants().get(character)
    return [] if form is None else [form]


def simplified(character: str) -> str:
    """The simplified form of a traditional character, any other as it is.

    >>> simplified("騙"), simplified("好")
    ('骗', '好')
    """
    form = _variants().get(character, character)
    return form if form in _pairs() else character


def pinyin(character: str) -> list[str]:
    """The syllable written out.

    >>> pinyin("长")
    ['chang', 'zhang']
    """
    return list(_syllables().get(character, ()))


def sound_of(character: str) -> str:
    """The character that stands for all of its first syllable, any other as it is.

    >>> sound_of("她"), sound_of("a")
    ('他', 'a')
    """
    syllables = _syllables().get(character)
    return _first_of_syllable()[syllables[0]] if syllables else character


def separations(character: str) -> list[str]:
    """The character with something after it, for use between two characters."""
    return [character + separator for separator in SEPARATORS]


def drops(character: str) -> list[str]:
    """Nothing at all, for particles."""
    return [""] if character in PARTICLES else []


def _others(character: str, groups: dict[str, str]) -> list[str]:
    return [other for other in dict.fromkeys(groups.get(character, "")) if other != character]


def _lines(name: str) -> list[list[str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines()]


@cache
def _groups(name: str) -> dict[str, str]:
    """For each character all that share a group with it; the group stands last in a line."""
    found: dict[str, str] = {}
    for *_, group in _lines(name):
        for character in group:
            found[character] = found.get(character, "") + group
    return found


@cache
def _syllables() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for syllable, group in _lines("pinyin.txt"):
        for character in group:
            found[character] = (*found.get(character, ()), syllable)
    return found


@cache
def _components() -> dict[str, str]:
    return dict(_lines("components.txt"))


@cache
def _variants() -> dict[str, str]:
    """Both ways; a traditional form that several characters share leads back to the first."""
    back = {traditional: simple for simple, traditional in reversed(_pairs().items())}
    return back | _pairs()


@cache
def _pairs() -> dict[str, str]:
    return {pair[0]: pair[1] for line in _lines("variants.txt") for pair in line}


@cache
def _first_of_syllable() -> dict[str, str]:
    """A character that is read in no other way, or else the first."""
    alone = {
        syllable: [character for character in group if len(_syllables()[character]) == 1]
        for syllable, group in _lines("pinyin.txt")
    }
    return {syllable: (alone[syllable] or group)[0] for syllable, group in _lines("pinyin.txt")}
