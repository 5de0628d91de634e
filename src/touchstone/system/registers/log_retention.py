"""Register `log-retention`: how long each store keeps its log, and what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from touchstone.system.description import Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Day, told
from touchstone.text import Text


class LogRetention(Dated):
    """One store of logs, on the day the register was drawn up."""

    register: ClassVar[str] = "log-retention"
    about: ClassVar[Text] = Text("how long logs are kept", "日志留存设置")

    store: Line = told("name of the store", "存储名称", examples=["decision log, primary"])
    as_of: Day = told("day on which this was read off the store", "读取本条信息的日期")
    days: Annotated[int, Field(ge=0, le=100_000)] = told(
        "days an entry is kept, as configured", "配置的留存天数", examples=[365]
    )
    in_use_since: Day = told("first day on which the store was written to", "该存储首次写入的日期")
    oldest_entry: Day = told("day of the oldest entry it holds", "所存最早条目的日期")

    def happened(self) -> Iterator[date]:
        yield self.as_of
