"""Texts as they look and sound to a reader, before a model sees them: disguises become what they disguise.

Undone are compatibility forms and letters of other scripts (Unicode Technical Standard 39), invisible characters, case,
digits for letters, hyphens within words, signs between Chinese characters, traditional forms, and on demand the choice
among characters of one sound. Train the model on normalised texts too. What this cannot undo are typos, dropped words,
joined words, and characters taken apart.
"""

from __future__ import annotations

import re

from touchstone.methods.attacks.text import chinese
from touchstone.methods.attacks.text.english import LEET
from touchstone.methods.attacks.text.segments import HAN
from touchstone.scan.look_alikes import skeleton

_LETTERS = {sign: letter for letter, signs in reversed(LEET.items()) for sign in signs}
_SIGNS = re.escape("".join(_LETTERS))
_DISGUISED = re.compile(rf"(?<=[a-z])[{_SIGNS}]+(?=[a-z])")
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_BETWEEN = re.compile(rf"(?<=[{HAN}])[\s*·.|_~-]+(?=[{HAN}])")
_SPACES = re.compile(r"\s+")


def normalised(text: str, *, by_sound: bool = False) -> str:
    """The text without disguises; normalising twice changes nothing more.

    With `by_sound` every common Chinese character becomes one that stands for its syllable: homophones become equal,
    at the price of what they tell apart.

    >>> normalised("Yоu аre a l0ser, 你是*騙 子")
    'you are a loser, 你是骗子'
    """
    plain = skeleton(_SPACES.sub(" ", text))
    plain = _HYPHEN.sub("", _DISGUISED.sub(lambda found: "".join(_LETTERS[sign] for sign in found[0]), plain))
    plain = "".join(chinese.simplified(character) for character in _BETWEEN.sub("", plain))
    plain = "".join(chinese.sound_of(character) for character in plain) if by_sound else plain
    return plain if plain == text else normalised(plain, by_sound=by_sound)  # one disguise may hide another
