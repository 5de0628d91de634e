"""Register `alerts`: every alert the monitor raised during the exercise."""

from __future__ import annotations

from typing import ClassVar

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, Moment, told
from touchstone.system.registers.seeded_events import Threat
from touchstone.text import Text


class Alert(Entry):
    """One alert, as the monitor wrote it."""

    register: ClassVar[str] = "alerts"
    about: ClassVar[Text] = Text("the record of alerts", "告警记录")

    id: Line = told("number of the alert, unique", "告警编号，不重复", examples=["A-001"])
    threat: Threat = told("class of threat it names", "告警指明的威胁类别")
    at: Moment = told("when it was raised", "发出时间")
