"""Which language the person at the terminal reads, and messages in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from touchstone.text import LANGUAGES, Language, Text

OPTION = "--lang"


def chosen() -> Language:
    """`--lang` anywhere on the command line, else `TOUCHSTONE_LANG`, else the locale; English by default."""
    language, _ = split_language(sys.argv[1:])
    if language is not None:
        return language
    locale = os.environ.get("TOUCHSTONE_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if locale.startswith("zh") else "en"


def split_language(arguments: Sequence[str]) -> tuple[Language | None, list[str]]:
    """The language asked for, and the arguments without that: it may stand before or after the command."""
    language: Language | None = None
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        value = argument.removeprefix(f"{OPTION}=") if argument.startswith(f"{OPTION}=") else None
        if argument == OPTION and waiting and waiting[0] in LANGUAGES:
            value = waiting.pop(0)
        found = next((known for known in LANGUAGES if known == value), None)
        if found is None:
            rest.append(argument)
        else:
            language = found
    return language, rest


def say(en: str, zh: str) -> str:
    """A message in the chosen language."""
    return Text(en, zh).render(chosen())
