"""Register `safety-concept`: for each fault, the safe state that is declared and the time to reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from touchstone.system.description import Line
from touchstone.system.registers.entry import Duration, Entry, told
from touchstone.text import Text

Fault = Literal[
    "sensor-loss",
    "time-out",
    "low-confidence",
    "tamper-alarm",
    "implausible-input",
    "network-loss",
    "power-loss",
    "component-crash",
]
"""What may go wrong beside or inside a model."""


class SafeState(Entry):
    """What the system has to do after one kind of fault."""

    register: ClassVar[str] = "safety-concept"
    about: ClassVar[Text] = Text("the declared safe state for each fault", "各类故障所声明的安全状态")

    fault: Fault = told("kind of fault", "故障种类")
    safe_state: Line = told(
        "the state that the system has to reach, or who takes over",
        "系统须进入的状态，或由谁接管",
        examples=["signals fall back to their fixed programme"],
    )
    seconds: Duration = told("time within which it has to be reached", "须在多长时间内到达（秒）", examples=[5])

    def shows(self) -> Iterator[str]:
        yield "deploy.safety_related"
