"""Texts dressed up to escape a search, readable all the same: what a search for words has to see through."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from touchstone.methods.attacks.text.chinese import variant_forms
from touchstone.methods.attacks.text.english import LEET
from touchstone.scan.look_alikes import look_alikes

_FULL_WIDTH = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
_DIGITS = {letter: signs[0] for letter, signs in LEET.items() if letter != "l"}
"""For letters. The 1 of an l would be read as an i."""
_INVISIBLE = "\u200b"


def full_width(text: str) -> str:
    """Letters, digits and signs as wide as Chinese characters.

    >>> full_width("bomb 1")
    'ｂｏｍｂ １'
    """
    return text.translate(_FULL_WIDTH)


def invisible(text: str) -> str:
    """A zero-width space after every character."""
    return "".join(character + _INVISIBLE for character in text)


def spaced(text: str) -> str:
    """A space after every Chinese character.

    >>> spaced("炸药 now")
    '炸 药  now'
    """
    return "".join(character + " " if "\u3400" <= character <= "\u9fff" else character for character in text)


def traditional(text: str) -> str:
    """Traditional Chinese characters for simplified ones."""
    return "".join((variant_forms(character) or [character])[0] for character in text)


def look_alike(text: str) -> str:
    """Letters of other scripts that look the same."""
    return "".join((look_alikes(character) or character)[0] for character in text)


def digits(text: str) -> str:
    """A digit for one letter within every word, where one looks like it.

    >>> digits("pipe bomb at all")
    'p1pe b0mb at all'
    """
    return " ".join(_with_digit(word) for word in text.split(" "))


def entities(text: str) -> str:
    """Every character as HTML writes it by its number."""
    return "".join(f"&#{ord(character)};" for character in text)


def capitals(text: str) -> str:
    """Capital letters only."""
    return text.upper()


DISGUISES: MappingProxyType[str, tuple[Callable[[str], str], ...]] = MappingProxyType(
    {
        "en": (full_width, invisible, look_alike, digits, entities, capitals),
        "zh": (full_width, invisible, spaced, traditional, entities),
    }
)
"""By language."""


def disguised(text: str, language: str, generator: np.random.Generator) -> str:
    """The text in one disguise of its language, by lot."""
    choices = DISGUISES[language]
    return choices[int(generator.integers(len(choices)))](text)


def _with_digit(word: str) -> str:
    for place in range(1, len(word) - 1):
        digit = _DIGITS.get(word[place])
        if digit and word[place - 1].isalpha() and word[place + 1].isalpha():
            return word[:place] + digit + word[place + 1 :]
    return word
