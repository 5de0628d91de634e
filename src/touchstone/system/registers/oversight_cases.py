"""Cases of an oversight exercise: what the model said, and what the person made of it."""

from __future__ import annotations

from typing import ClassVar

from touchstone.system.description import Identifier, Line
from touchstone.system.registers.entry import Entry, Moment, told
from touchstone.system.registers.person import Person
from touchstone.text import Text


class OversightCase(Entry):
    """One case before one person. Whether an error was seeded follows from what is right and what was advised."""

    register: ClassVar[str] = "oversight-cases"
    about: ClassVar[Text] = Text("cases of the oversight exercise", "人工监督演练案例")

    case: Identifier = told("name of the case, the same for everyone who saw it", "案例编号，同一案例对所有人一致")
    overseer: Person = told("who decided, by reference", "监督者（以代号表示）", examples=["P-021"])
    row: Line | None = told("identifier of the row of the test data it was made of", "所用测试数据行的标识", None)
    truth: Line = told("the right answer", "正确答案", examples=["ill"])
    advice: Line | None = told(
        "what the system advised; left out where the person decided without it",
        "系统给出的建议；未展示建议则省略",
        None,
    )
    decision: Line | None = told(
        "what the person decided; left out where the person stopped the case or handed it on",
        "监督者的决定；若中止或转交则省略",
        None,
    )
    shown: Moment = told("when the case was shown", "展示时间")
    decided: Moment = told("when the person decided or stopped it", "决定或中止的时间")
