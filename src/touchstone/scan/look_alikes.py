"""Names that look alike to people and differ to machines: letters of other scripts, of another case, never shown."""

from __future__ import annotations

import unicodedata
from typing import Final

_LATIN: Final = str.maketrans(
    {
        **dict(zip("аеорсухіјѕһԁԛԝѵвнкмт", "aeopcyxijshdqwvbhkmt", strict=True)),  # Cyrillic
        **dict(zip("αορνικτυχε", "aopviktuxe", strict=True)),  # Greek
        **dict(zip("ıɡɑℓ", "igal", strict=True)),
    }
)
"""Letters that most fonts draw like a Latin one (Unicode Technical Standard 39, confusables)."""


def look_alikes(letter: str) -> str:
    """Letters of other scripts that most fonts draw like this small Latin one.

    >>> look_alikes("a")
    'аαɑ'
    """
    return "".join(chr(other) for other, latin in _LATIN.items() if latin == letter)


def skeleton(name: str) -> str:
    """What a name looks like: equal for names that people take for one another.

    >>> skeleton("Mоdel.bin") == skeleton("model.bin")  # the first has a Cyrillic letter
    True
    """
    plain = unicodedata.normalize("NFKC", name).casefold().translate(_LATIN)
    return "".join(letter for letter in plain if unicodedata.category(letter) not in {"Cf", "Mn", "Cc"})
