"""Register `fault-injections`: faults that were injected on purpose, and what the system did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from touchstone.system.description import Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Moment, told
from touchstone.system.registers.safety_concept import Fault
from touchstone.text import Text


class FaultInjection(Dated):
    """One injected fault."""

    register: ClassVar[str] = "fault-injections"
    about: ClassVar[Text] = Text("the record of injected faults", "故障注入记录")

    id: Line = told("number of the trial, unique", "试验编号，不重复", examples=["FI-0001"])
    version: Line = told("version of the system it was tried on", "试验所针对的系统版本", examples=["1.4.0"])
    fault: Fault = told("kind of fault", "故障种类")
    injected: Moment = told("when the fault began", "故障开始时间")
    reached: Moment | None = told(
        "when the system was in the state below; left out, it never came to one",
        "进入下述状态的时间；不填即从未进入",
        None,
    )
    state: Line | None = told(
        "the state it was seen in, in the words of the safety concept", "所观察到的状态，用词与安全概念一致", None
    )

    def happened(self) -> Iterator[date]:
        yield self.injected.date()
