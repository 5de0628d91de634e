"""Reports of flaws, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import EntryPart, Moment, told
from touchstone.system.registers.person import Person
from touchstone.text import Text

Count = Annotated[int, Field(ge=0, le=10_000_000)]


class Tries(EntryPart):
    """How often a flaw showed itself: models answer by chance, so once is not enough to tell."""

    shown: Count = told("tries in which it showed itself", "出现该缺陷的次数", examples=[37])
    not_shown: Count = told("tries in which it did not", "未出现的次数", examples=[63])


class Dismissal(EntryPart):
    """Why a report was set aside, and by whom."""

    at: Moment = told("when", "时间")
    by: list[Person] = told("everyone who decided it, by reference", "全部决定人（以代号表示）", min_length=1)
    reason: Line = told("why", "理由")


class Advisory(EntryPart):
    """The advisory that was published."""

    id: Line = told("its identifier, in CSAF `document.tracking.id`", "公告编号，即 CSAF 的 `document.tracking.id`")
    published: Moment = told("when", "发布时间")


class DisclosureCase(Dated):
    """One report from outside, or a drill."""

    register: ClassVar[str] = "disclosure-cases"
    about: ClassVar[Text] = Text("case log of reported flaws", "缺陷报告案件记录")

    id: Identifier = told("name of the case", "案件编号", examples=["F-2026-003"])
    kind: Literal["software", "model"] = told(
        "a vulnerability of software, or a flaw of the model", "软件漏洞或模型缺陷"
    )
    drill: bool = told("true where the operator sent the report itself", "自行演练填 true", False)
    received: Moment = told("when the report came", "收到报告的时间", examples=["2026-09-01T09:30:00+08:00"])
    acknowledged: Moment | None = told("when its sender was answered", "向报告人确认的时间", None)
    reproduced: Tries | None = told("how often it could be reproduced", "复现情况", None)
    supplier_notified: Moment | None = told("when suppliers were told", "通知供应方的时间", None)
    authority_notified: Moment | None = told("when the authority was told", "向主管部门报送的时间", None)
    fixed: Moment | None = told("when it was fixed", "修复时间", None)
    retested: Tries | None = told("how often it still showed itself after the fix", "修复后复测情况", None)
    dismissal: Dismissal | None = told("why it was set aside", "驳回情况", None)
    advisory: Advisory | None = told("what was published", "已发布的公告", None)

    def moments(self) -> Iterator[tuple[str, Moment]]:
        """Every point in time that is stated, with the field that states it."""
        for name in ("received", "acknowledged", "supplier_notified", "authority_notified", "fixed"):
            moment = getattr(self, name)
            if moment is not None:
                yield name, moment
        if self.dismissal is not None:
            yield "dismissal.at", self.dismissal.at
        if self.advisory is not None:
            yield "advisory.published", self.advisory.published

    def happened(self) -> Iterator[date]:
        for _, moment in self.moments():
            yield moment.date()
