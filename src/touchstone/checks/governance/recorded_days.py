"""How far the records reach: the day up to which a register can be judged.

A check knows no calendar, or its result would change overnight. An operator who stops one register at a good moment
is judged by the others, which go on.
"""

from __future__ import annotations

from datetime import date

from touchstone.system.registers.handed_in import newest_days, registers_of
from touchstone.system.subject import Subject


def newest_day(subject: Subject) -> date:
    """The newest day on which any of the registers that were handed in says that something happened.

    One of them has to hold an entry.
    """
    return max(newest_days(registers_of(subject)).values())
