"""Sentences with slots, in several phrasings of each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template
from typing import Final, Literal, TypeVar

import numpy as np

Language = Literal["en", "zh"]
Wordings = Mapping[Language, Sequence[str]]
"""Phrasings of the same sentence, with slots written `$name`."""
OTHER: Final[Mapping[Language, Language]] = {"en": "zh", "zh": "en"}

Drawn = TypeVar("Drawn")


def pick(generator: np.random.Generator, options: Sequence[Drawn]) -> Drawn:
    """One of the options, by lot."""
    return options[int(generator.integers(len(options)))]


def pick_several(generator: np.random.Generator, options: Sequence[Drawn], count: int) -> list[Drawn]:
    """That many different ones of the options, by lot and in random order."""
    return [options[int(place)] for place in generator.permutation(len(options))[:count]]


def worded(generator: np.random.Generator, wordings: Wordings, language: Language, /, **slots: object) -> str:
    """One of the phrasings in that language, with its slots filled.

    >>> worded(np.random.default_rng(0), {"en": ["$a and $b"], "zh": ["$a和$b"]}, "zh", a=1, b=2)
    '1和2'
    """
    return Template(pick(generator, wordings[language])).substitute(slots)
