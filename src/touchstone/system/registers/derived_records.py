"""Register `derived-records`: identifiers that indexes, caches, feature stores and backups hold."""

from __future__ import annotations

from typing import ClassVar

from touchstone.system.description import Line
from touchstone.system.registers.entry import Moment, told
from touchstone.system.registers.of_subject import OfSubject
from touchstone.text import Text


class DerivedRecord(OfSubject):
    """One record in a store that was derived from the data."""

    register: ClassVar[str] = "derived-records"
    about: ClassVar[Text] = Text("the identifiers in indexes and other derived stores", "索引等派生存储中的标识清单")

    store: Line = told("name of the store", "存储名称", examples=["similar-case index"])
    read: Moment = told("when the store was read", "读取该存储的时间")
