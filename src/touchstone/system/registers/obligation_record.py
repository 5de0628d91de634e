"""Register `obligations`: what was decided about obligations that collide, and what was filed for the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from touchstone.system.description import FactValue, Identifier, Line
from touchstone.system.registers.entry import Day, EntryPart, told
from touchstone.system.registers.person import Person
from touchstone.system.registers.working_days import WithWorkingDays
from touchstone.text import Text


class ObligationDecision(EntryPart):
    """How an overlap, a gap or a conflict is handled."""

    on: list[Line] = told(
        "what is decided, by the names the obligation report gives",
        "所决定的事项，名称依义务报告",
        min_length=1,
        examples=[["conflict:give_undisclosed_vulnerability_abroad"]],
    )
    owner: Person = told("who answers for it, by reference", "责任人（以代号表示）")
    decided: Day = told("day of the decision", "决定之日")
    decision: Line = told("what was decided, and why", "结论及理由")


class ObligationFiling(EntryPart):
    """One filing that an obligation asks for."""

    obligation: Line = told("name of the obligation", "义务名称", examples=["cn/algorithm-filing"])
    owner: Person = told("who answers for it, by reference", "责任人（以代号表示）")
    arose: Day = told(
        "day the duty arose: the service started, the threshold was reached", "义务产生之日：提供服务之日、达到数量之日"
    )
    due: Day | None = told("day it is due, where an authority set one", "主管部门指定的期限（如有）", None)
    filed: Day | None = told("day it was filed; left out, it was not", "办理之日；不填即未办理", None)
    valid_until: Day | None = told("last day it holds, where it has one", "有效期届满之日（如有）", None)
    reference: Line | None = told("number the authority gave it", "主管部门给出的编号", None)


class ObligationRecord(WithWorkingDays):
    """The whole register."""

    register: ClassVar[str] = "obligations"
    about: ClassVar[Text] = Text("the record of obligations", "监管义务记录")
    single: ClassVar[bool] = True

    as_of: Day = told("day up to which the record is complete", "记录完整至该日", examples=["2026-11-20"])
    packs: list[Identifier] = told(
        "packs of law that apply beside those of the declared jurisdictions",
        "除所声明法域之外另行适用的法律数据包",
        [],
        examples=[["cn-automated-vehicles"]],
    )
    facts: dict[Line, FactValue] = told(
        "facts beside those of system.yaml", "system.yaml 之外的事实", {}, examples=[{"service.public_opinion": False}]
    )
    decisions: list[ObligationDecision] = told("decisions", "处理结论", [])
    filings: list[ObligationFiling] = told("filings", "备案与报送", [])

    def happened(self) -> Iterator[date]:
        yield self.as_of
