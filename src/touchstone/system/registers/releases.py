"""Register `releases`: every version of the model that went into service."""

from __future__ import annotations

from typing import ClassVar

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, Fingerprint, Moment, told
from touchstone.text import Text


class Release(Entry):
    """One version in service."""

    register: ClassVar[str] = "releases"
    about: ClassVar[Text] = Text("the record of releases", "版本发布记录")

    version: Line = told("version of the system, unique", "系统版本，不重复", examples=["1.4.0"])
    released: Moment = told("when it went into service", "投入使用的时间")
    model: Fingerprint = told("SHA-256 of its model file", "其模型文件的 SHA-256")
