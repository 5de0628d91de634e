"""Register `change-envelope`: changes that were agreed on before they were made, and what must be run for each."""

from __future__ import annotations

from typing import ClassVar

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.changes import Part
from touchstone.system.registers.entry import Day, Entry, Fingerprint, told
from touchstone.text import Text


class EnvelopeClause(Entry):
    """One kind of change that needs no new assessment as long as its own checks are run."""

    register: ClassVar[str] = "change-envelope"
    about: ClassVar[Text] = Text("the predetermined envelope of changes", "预先约定的变更范围")

    id: Identifier = told("name of the clause, unique", "条款编号，不重复", examples=["E-1"])
    since: Day = told("day from which it is agreed", "约定生效日期", examples=["2026-03-01"])
    document: Fingerprint = told(
        "SHA-256 of the document that holds the agreement, handed in with the system",
        "载明该约定的文档的 SHA-256，须随系统提交",
    )
    allows: Line = told("what may be changed, within which bounds", "允许变更的内容与界限")
    parts: list[Part] = told("parts of the system that it allows to change", "允许变更的系统部分", min_length=1)
    checks: list[Identifier] = told(
        "checks that must be run for each such change", "每次此类变更必须运行的检查项", min_length=1
    )
