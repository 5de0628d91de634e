"""Register `previous-assessment`: the system as it was when it was last assessed, taken from the evidence of then."""

from __future__ import annotations

from typing import Any, ClassVar

from touchstone.system.description import Identifier, RelativePath
from touchstone.system.registers.entry import Entry, EntryPart, Fingerprint, Moment, told
from touchstone.text import Text


class AssessedFile(EntryPart):
    """One file as it was."""

    path: RelativePath = told("its path", "路径")
    size: int = told("its size in bytes", "字节数", ge=0)
    digest: Fingerprint = told("its SHA-256", "SHA-256")


class PreviousAssessment(Entry):
    """The last assessment of this system."""

    register: ClassVar[str] = "previous-assessment"
    about: ClassVar[Text] = Text("the previous assessment", "上次测评")
    single: ClassVar[bool] = True

    system: Fingerprint = told("digest of the system then", "当时的系统摘要")
    evidence: Fingerprint = told("digest of the evidence bundle", "证据包的摘要")
    finished: Moment = told("when its last check ended", "最后一项检查结束的时间")
    checks: list[Identifier] = told("checks that measured something", "完成测量的检查项", min_length=1)
    description: dict[str, Any] = told("the description of the system then", "当时的系统描述")
    files: list[AssessedFile] = told("its files then", "当时的文件", max_length=100_000)
