"""Registers whose entries say when something happened, so that together they say how far the records reach."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from datetime import date

from touchstone.system.registers.entry import Entry


class Dated(Entry):
    """An entry that knows the days on which what it records happened; days that are only planned are none of them."""

    @abstractmethod
    def happened(self) -> Iterable[date]:
        """Every day on which something happened, in the zone that the entry itself states."""
