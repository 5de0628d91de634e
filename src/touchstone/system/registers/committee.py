"""The committee for safety and ethics: who sits on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, EntryPart, told
from touchstone.system.registers.person import Person
from touchstone.text import Text

Discipline = Literal["technical", "ethics", "law", "domain", "other"]


class Member(EntryPart):
    """One person's term on the committee."""

    person: Person = told("the member, by reference", "成员（以代号表示）", examples=["P-031"])
    employer: Line = told("organisation that pays the member", "成员所在单位", examples=["Example University"])
    discipline: Discipline = told("what the member is an expert of", "成员的专业领域")
    since: Day = told("first day of the term", "任期首日", examples=["2026-01-01"])
    until: Day | None = told("last day of the term; left out while it is open", "任期末日；未届满则省略", None)
    adviser: bool = told("true for advisers, who have no vote", "顾问填 true；顾问无表决权", False)
    sex: Literal["female", "male"] | None = told("where the committee has to have both", "须有不同性别成员时填写", None)

    def in_office(self, day: date) -> bool:
        """Whether the term covers that day."""
        return self.since <= day and (self.until is None or day <= self.until)


class Committee(Dated):
    """The committee as its secretary keeps it."""

    register: ClassVar[str] = "committee"
    about: ClassVar[Text] = Text("members of the committee for safety and ethics", "安全与伦理委员会成员名册")
    single: ClassVar[bool] = True

    as_of: Day = told("day on which this was true", "本记录对应的日期", examples=["2026-11-20"])
    organisation: Line = told("organisation whose committee it is", "委员会所属单位", examples=["Example Health Ltd."])
    in_service_since: Day | None = told(
        "first day in service of the version under test; left out before",
        "被测版本投入使用的首日；尚未投入则省略",
        None,
    )
    members: list[Member] = told("members and advisers, past ones too", "成员与顾问，含往届", min_length=1)

    @model_validator(mode="after")
    def _one_term_at_a_time(self) -> Committee:
        for earlier, later in pairwise(sorted(self.members, key=lambda each: (each.person, each.since))):
            if earlier.person == later.person and earlier.in_office(later.since):
                raise PydanticCustomError(
                    "two_terms",
                    "{person} has two terms on {day}",
                    {
                        "person": later.person,
                        "day": str(later.since),
                        "zh": f"{later.person} 于 {later.since} 同时有两个任期",
                    },
                )
        return self

    def happened(self) -> Iterator[date]:
        yield self.as_of
