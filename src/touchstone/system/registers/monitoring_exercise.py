"""Register `monitoring-exercise`: when and under which settings the monitor was exercised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from touchstone.system.description import Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Duration, Moment, told
from touchstone.text import Text


class MonitoringExercise(Dated):
    """The exercise as a whole."""

    register: ClassVar[str] = "monitoring-exercise"
    about: ClassVar[Text] = Text("the settings of the monitoring exercise", "监测演练的设置")
    single: ClassVar[bool] = True

    version: Line = told("version of the system that was watched", "被监测的系统版本", examples=["1.4.0"])
    from_: Moment = told("when the exercise began", "演练开始时间", alias="from")
    until: Moment = told("when it ended", "演练结束时间")
    alert_within_seconds: Duration = told(
        "an alert later than this after an event does not count", "事件发生后超过此时间的告警不计", examples=[300]
    )

    def happened(self) -> Iterator[date]:
        yield self.until.date()
