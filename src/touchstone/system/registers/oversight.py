"""An exercise of human oversight: who took part, and how it was set up."""

from __future__ import annotations

from typing import ClassVar

from touchstone.system.registers.entry import Entry, told
from touchstone.system.registers.person import Person
from touchstone.system.registers.state import State
from touchstone.text import Text


class Oversight(Entry):
    """The setting that all cases of the exercise share."""

    register: ClassVar[str] = "oversight"
    about: ClassVar[Text] = Text("setting of the oversight exercise", "人工监督演练设置")
    single: ClassVar[bool] = True

    state: State = told("state of the system that was overseen", "演练所用的系统状态")
    overseers: list[Person] = told(
        "everyone who oversees the system in service, by reference",
        "实际承担监督职责的全部人员（以代号表示）",
        min_length=1,
    )
    blinded: bool = told(
        "whether the overseers knew neither which answers were wrong nor how many",
        "监督者是否不知道哪些回答有误及其数量",
    )
