"""Remarks about entries of a register, by their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from touchstone.records import Note
from touchstone.text import Text

MOST_NAMED = 10


def entries_note(code: str, ids: Sequence[str], what: Text) -> Note:
    """`what` is said of the entries with these numbers; of many, the first ten are named."""
    named = ", ".join(ids[:MOST_NAMED])
    more = len(ids) - MOST_NAMED
    en, zh = (f" and {more} more", f"等另有 {more} 项") if more > 0 else ("", "")
    return Note(code=code, text=Text(f"{what.en}: {named}{en}", f"{what.zh}：{named}{zh}"))


def notes_by_reason(found: Iterable[tuple[str, str | None]], reasons: Mapping[str, Text]) -> tuple[Note, ...]:
    """One remark for each reason of `found` (number of the entry, code of the reason), in the order of `reasons`."""
    ids: dict[str, list[str]] = {code: [] for code in reasons}
    for number, code in found:
        if code is not None:
            ids[code].append(number)
    return tuple(entries_note(code, named, reasons[code]) for code, named in ids.items() if named)
