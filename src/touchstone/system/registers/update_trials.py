"""Register `update-trials`: updates that were offered to a device or service, good and bad, and what it did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from touchstone.system.description import Line
from touchstone.system.registers.dated import Dated
from touchstone.system.registers.entry import Fingerprint, Moment, told
from touchstone.text import Text


class UpdateTrial(Dated):
    """One update that was offered."""

    register: ClassVar[str] = "update-trials"
    about: ClassVar[Text] = Text("the record of update trials", "升级试验记录")

    id: Line = told("number of the trial, unique", "试验编号，不重复", examples=["UT-01"])
    version: Line = told("version of the system it was tried on", "试验所针对的系统版本", examples=["1.4.0"])
    at: Moment = told("when it was tried", "试验时间")
    target: Line = told(
        "the device or service it was offered to", "接收升级包的设备或服务", examples=["roadside camera"]
    )
    package: Fingerprint = told(
        "SHA-256 of the package with its signature, as it was offered", "所提供升级包（含签名）的 SHA-256"
    )
    signature: Literal["valid", "none", "wrong-key", "altered", "expired", "older-version"] = told(
        "what was right or wrong with its signature", "签名的状况"
    )
    accepted: bool = told("whether the update was installed", "升级是否被安装")

    def happened(self) -> Iterator[date]:
        yield self.at.date()
