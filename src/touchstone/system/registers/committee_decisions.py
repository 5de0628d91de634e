"""What a committee decided, and who voted how."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, EntryPart, Moment, told
from touchstone.system.registers.person import Person
from touchstone.system.registers.state import State
from touchstone.text import Text


class Vote(EntryPart):
    """One vote as it was cast."""

    person: Person = told("who voted, by reference", "表决人（以代号表示）", examples=["P-031"])
    vote: Literal["for", "against", "abstain"] = told("how", "表决意见")
    reason: Line | None = told("reason, above all of a vote against", "理由，反对票尤须说明", None)


class ApprovalCondition(EntryPart):
    """What an approval depends on."""

    what: Line = told("what has to be done", "须完成的事项")
    due: Day = told("by when", "期限", examples=["2026-12-31"])
    met: Day | None = told("when it was done; left out while it is not", "完成日期；未完成则省略", None)


class CommitteeDecision(Dated):
    """One decision, or a follow-up of one, which is a decision anew."""

    register: ClassVar[str] = "committee-decisions"
    about: ClassVar[Text] = Text(
        "decisions and votes of the committee for safety and ethics", "安全与伦理委员会决定与表决记录"
    )

    id: Identifier = told("name of the decision", "决定编号", examples=["D-2026-07"])
    at: Moment = told("when it was taken", "作出时间", examples=["2026-10-12T15:00:00+08:00"])
    state: State = told("state of the system that was decided on", "所审议的系统状态")
    requested_by: Person = told("who asked for the decision", "申请人（以代号表示）", examples=["P-107"])
    involved: list[Person] = told("who built, tested or sells the system", "参与研发、测试或销售该系统的人员", [])
    present: list[Person] = told("who was present for this decision", "出席本项审议的人员")
    recused: list[Person] = told("members who withdrew from this decision", "对本项审议回避的成员", [])
    votes: list[Vote] = told("every vote", "全部表决")
    outcome: Literal["approved", "refused", "deferred"] = told("what was announced", "宣布的结果")
    conditions: list[ApprovalCondition] = told("what an approval depends on", "批准所附条件", [])

    @property
    def day(self) -> date:
        """The day where it was taken."""
        return self.at.date()

    def happened(self) -> Iterator[date]:
        yield self.day
