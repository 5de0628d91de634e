"""What a check over registers found, entry by entry, as a few notes that name the entries."""

from __future__ import annotations

from touchstone.records import Note
from touchstone.text import Text

SHOWN = 10
"""Most entries that a note names."""


class Remarks:
    """Collects what is wrong with single entries and tells it as one note for each kind of flaw."""

    def __init__(self) -> None:
        self._by_code: dict[str, list[Text]] = {}

    def add(self, code: str, entry: str, why: Text) -> None:
        """Something is wrong with the entry of that name."""
        self._by_code.setdefault(code, []).append(Text(f"{entry}: {why.en}", f"{entry}：{why.zh}"))

    def say(self, code: str, what: Text) -> None:
        """Something is to be said that concerns no single entry."""
        self._by_code.setdefault(code, []).append(what)

    def notes(self) -> tuple[Note, ...]:
        """One note for each code, in the order in which the codes first came up."""
        return tuple(Note(code=code, text=_joined(said)) for code, said in self._by_code.items())


def _joined(said: list[Text]) -> Text:
    en, zh = "; ".join(each.en for each in said[:SHOWN]), "；".join(each.zh for each in said[:SHOWN])
    rest = len(said) - SHOWN
    return Text(f"{en}; and {rest} more", f"{zh}；另有 {rest} 项") if rest > 0 else Text(en, zh)
