"""Register `drills`: trials of going back to an earlier version, and of restoring the present one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from touchstone.system.description import Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Duration, Fingerprint, Moment, told
from touchstone.text import Text


class Drill(Dated):
    """One drill."""

    register: ClassVar[str] = "drills"
    about: ClassVar[Text] = Text("the record of rollback and recovery drills", "回退与恢复演练记录")

    id: Line = told("number of the drill, unique", "演练编号，不重复", examples=["DR-2026-03"])
    kind: Literal["rollback", "restore"] = told(
        "rollback: to an earlier version; restore: of the present version out of the backup",
        "rollback：回退至先前版本；restore：从备份恢复当前版本",
    )
    started: Moment = told("when it was called for", "下令开始的时间")
    finished: Moment | None = told(
        "when the service answered again; left out, it failed", "恢复服务的时间；不填即失败", None
    )
    objective_minutes: Duration = told("the declared objective for it", "所声明的目标时间（分钟）", examples=[30])
    model_after: Fingerprint | None = told(
        "SHA-256 of the model file in service afterwards, as it was read back",
        "演练后所读回的在用模型文件的 SHA-256",
        None,
    )

    def happened(self) -> Iterator[date]:
        yield self.started.date()
