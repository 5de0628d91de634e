"""Perturbations of words of Latin letters that readers see through: what people mistype and what evaders write.

Each function gives the variants of one word, best readable first where there is an order, and none where the word is
too short to stay readable. No typo touches a word's first letter (readers need it most; Rawlinson 1976).

Families as in Li et al. 2019 (TextBugger) and Eger et al. 2019 (VIPER), written anew.
"""

from __future__ import annotations

from touchstone.scan.look_alikes import look_alikes

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
LEET = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1", "o": "0", "s": "5$", "t": "7"}
SPLITTERS = (" ", "-", "\u200b")
"""Space, hyphen, and the zero-width space nobody sees."""
FEWEST_LETTERS = 4
"""Letters that a word must have to survive a typo."""
_LIGHT = (
    "a an the that this these those of to in on at for from by with as and so then just very really quite rather "
    "also too even is are was were be been am do does did has have had will would should can could may might i you "
    "he she it we they my your his her its our their"
)
DROPPED = frozenset(_LIGHT.split())
"""Words that can be missing without taking the meaning with them. Negations are not among them."""


def typos(word: str) -> list[str]:
    """A neighbouring key, two letters swapped, one dropped, one doubled: at every place but the first letter."""
    if len(word) < FEWEST_LETTERS:
        return []
    found = []
    for place in range(1, len(word)):
        before, letter, after = word[:place], word[place], word[place + 1 :]
        if after and after[0] != letter:
            found.append(before + after[0] + letter + after[1:])
        found += [before + after, before + letter * 2 + after]
        found += [before + key + after for key in neighbouring_keys(letter)]
    return _distinct(found, word)


def neighbouring_keys(letter: str) -> str:
    """Keys left and right of a lower-case letter on a QWERTY keyboard, in the case of the letter.

    >>> neighbouring_keys("s"), neighbouring_keys("Q"), neighbouring_keys("é")
    ('ad', 'W', '')
    """
    row = next((row for row in ROWS if letter.lower() in row), "")
    place = row.find(letter.lower())
    keys = (row[place - 1] if place > 0 else "") + row[place + 1 : place + 2] if row else ""
    return keys.upper() if letter.isupper() else keys


def homoglyphs(word: str) -> list[str]:
    """One letter, or all that can be, replaced by a letter of another script that looks the same."""
    one = [word[:i] + other + word[i + 1 :] for i, letter in enumerate(word) for other in look_alikes(letter)]
    every = "".join((look_alikes(letter) or letter)[0] for letter in word)
    return _distinct([*one, every], word)


def splits(word: str) -> list[str]:
    """The word broken in two by a space, a hyphen or nothing visible."""
    return [word[:i] + splitter + word[i:] for splitter in SPLITTERS for i in range(1, len(word))]


def casings(word: str) -> list[str]:
    """In capitals, and in capitals by turns."""
    by_turns = "".join(letter.upper() if i % 2 else letter.lower() for i, letter in enumerate(word))
    return _distinct([word.upper(), by_turns, word.lower()], word) if len(word) > 1 else []


def leetspeak(word: str) -> list[str]:
    """One letter, or all that can be, replaced by a digit or sign."""
    one = [word[:i] + sign + word[i + 1 :] for i, letter in enumerate(word) for sign in LEET.get(letter.lower(), "")]
    every = "".join(LEET.get(letter.lower(), letter)[0] for letter in word)
    return _distinct([*one, every], word)


def drops(word: str) -> list[str]:
    """Nothing at all, for words that carry no meaning of their own."""
    return [""] if word.lower() in DROPPED else []


def _distinct(variants: list[str], word: str) -> list[str]:
    return [variant for variant in dict.fromkeys(variants) if variant != word]
