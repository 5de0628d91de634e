"""All registers of one system: what is wrong with any of them, and how far each reaches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from touchstone.errors import DescriptionError, UserError
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Entry
from touchstone.system.registers.kinds import REGISTERS

if TYPE_CHECKING:
    from touchstone.system.subject import Subject


def registers_of(subject: Subject) -> dict[str, tuple[Entry, ...]]:
    """The entries of every register that was handed in, by its name.

    Raises `DescriptionError` with everything that is wrong with any of them.
    """
    entries: dict[str, tuple[Entry, ...]] = {}
    problems: list[UserError] = []
    for name in sorted(subject.description.registers or ()):
        try:
            entries[name] = subject.register(REGISTERS[name])
        except DescriptionError as error:
            problems += error.problems
    if problems:
        raise DescriptionError(problems)
    return entries


def newest_days(registers: Mapping[str, tuple[Entry, ...]]) -> dict[str, date]:
    """The newest day on which each says that something happened; registers that know no day are left out."""
    days = {
        name: [day for entry in entries if isinstance(entry, Dated) for day in entry.happened()]
        for name, entries in registers.items()
    }
    return {name: max(found) for name, found in days.items() if found}
