"""The public intake for reports of flaws."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from touchstone.system.description import Line
from touchstone.system.registers.entry import Day, told
from touchstone.system.registers.working_days import WithWorkingDays
from touchstone.text import Text


class Disclosure(WithWorkingDays):
    """Where reports are received, and on which days somebody works there."""

    register: ClassVar[str] = "disclosure"
    about: ClassVar[Text] = Text("intake for reports of flaws", "缺陷报告接收渠道")
    single: ClassVar[bool] = True

    as_of: Day = told("day up to which the case log is complete", "案件记录完整至该日", examples=["2026-11-20"])
    intake: Line = told("public address", "公开地址", examples=["https://example.org/.well-known/security.txt"])
    policy: Line = told(
        "address of the published policy", "公开政策的地址", examples=["https://example.org/disclosure"]
    )

    def happened(self) -> Iterator[date]:
        yield self.as_of
