"""How far the registers of a system reach: the newest day on which each says that something happened."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from touchstone.system.registers.dated import Dated
from touchstone.system.registers.kinds import REGISTERS

if TYPE_CHECKING:
    from touchstone.system.subject import Subject


def newest_days(subject: Subject) -> dict[str, date]:
    """The newest day in each register that was handed in, by its name; those that know no day are left out."""
    newest: dict[str, date] = {}
    for name in sorted(subject.description.registers or ()):
        kind = REGISTERS[name]
        if issubclass(kind, Dated):
            days = [day for entry in subject.register(kind) for day in entry.happened()]
            if days:
                newest[name] = max(days)
    return newest
