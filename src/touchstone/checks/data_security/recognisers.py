"""The recognisers of personal information that the installed standard declares, ready to scan with."""

from __future__ import annotations

from functools import cache

from touchstone.methods.privacy.personal.scanner import Recogniser, Scanner
from touchstone.standard.catalog import load_standard
from touchstone.standard.pack import RecogniserEntry


@cache
def installed_scanner() -> Scanner:
    """Compiled once for each process."""
    standard = load_standard()
    lists = {name: frozenset(placed.entry.words.split()) for name, placed in standard.words.items()}
    return Scanner(compiled(name, placed.entry, lists) for name, placed in standard.personal_information.items())


def compiled(name: str, entry: RecogniserEntry, lists: dict[str, frozenset[str]]) -> Recogniser:
    """A declared recogniser as the scanner takes it."""
    return Recogniser(
        id=name,
        pattern=entry.pattern,
        alone=entry.confidence.alone,
        near=entry.confidence.near,
        sensitive=entry.sensitive,
        anchor=entry.anchor.pattern if entry.anchor else "",
        back=entry.anchor.back if entry.anchor else 0,
        check=entry.check,
        among={group: lists[words] for group, words in entry.among.items()},
        exclude={group: lists[words] for group, words in entry.exclude.items()},
        context=entry.context,
        columns_only=entry.columns_only,
    )
