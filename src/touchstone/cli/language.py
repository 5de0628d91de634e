"""Which language the person at the terminal reads."""

import os
import sys

from touchstone.text import Language, Text


def chosen() -> Language:
    """`--lang` anywhere on the command line, else `TOUCHSTONE_LANG`, else the locale; English by default."""
    arguments = sys.argv[1:]
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            return "zh" if arguments[position + 1] == "zh" else "en"
        if argument.startswith("--lang="):
            return "zh" if argument == "--lang=zh" else "en"
    locale = os.environ.get("TOUCHSTONE_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if locale.startswith("zh") else "en"


def say(en: str, zh: str) -> str:
    """A message in the chosen language."""
    return Text(en, zh).render(chosen())
