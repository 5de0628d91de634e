"""Register `seeded-events`: events of a threat that were brought about on purpose to see whether they are noticed."""

from __future__ import annotations

from typing import ClassVar, Literal

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, Moment, told
from touchstone.text import Text

Threat = Literal["adversarial-input", "drift", "exfiltration", "tampered-parameters", "poisoned-feed"]
"""What a run-time monitor has to notice."""


class SeededEvent(Entry):
    """One event, brought about on purpose."""

    register: ClassVar[str] = "seeded-events"
    about: ClassVar[Text] = Text("the record of seeded events", "植入事件记录")

    id: Line = told("number of the event, unique", "事件编号，不重复", examples=["SE-001"])
    threat: Threat = told("class of threat", "威胁类别")
    at: Moment = told("when it began", "开始时间")
    what: Line = told("what was done", "所做的操作", examples=["40 queries of a score-based attack from one client"])
