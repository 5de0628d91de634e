"""Who accepted what remains of a risk, in which state of the system, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, told
from touchstone.system.registers.person import Person
from touchstone.system.registers.state import State
from touchstone.text import Text


class RiskAcceptance(Dated):
    """One acceptance. A renewal is an acceptance of its own."""

    register: ClassVar[str] = "risk-acceptances"
    about: ClassVar[Text] = Text("acceptances of residual risks", "剩余风险接受记录")

    id: Identifier = told("name of the acceptance", "接受记录编号", examples=["RA-07"])
    risk: Identifier = told("the risk in the risk register", "风险台账中的风险编号", examples=["R-07"])
    requested_by: Person = told("who asked for it, by reference", "申请人（以代号表示）", examples=["P-107"])
    accepted_by: Person = told("who accepted it, by reference", "接受人（以代号表示）", examples=["P-002"])
    accepted: Day = told("when", "接受日期", examples=["2026-10-01"])
    until: Day = told("last day on which it holds", "有效期末日", examples=["2027-03-31"])
    state: State = told("state of the system it was accepted for", "被接受时的系统状态")
    reason: Line = told("why it can be borne", "可承受的理由")
    revoked: Day | None = told("when it was revoked", "撤销日期", None)

    def happened(self) -> Iterator[date]:
        yield self.accepted
        if self.revoked is not None:
            yield self.revoked
