"""Register `changes`: what was changed in the system, and the assessment that went before its release."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from touchstone.system.description import Identifier, Line, RelativePath
from touchstone.system.parts import PATTERN
from touchstone.system.registers.entry import Entry, EntryPart, Fingerprint, Moment, told
from touchstone.text import Text

Part = Annotated[str, StringConstraints(pattern=PATTERN)]


class FileChange(EntryPart):
    """One file before and after."""

    before: Fingerprint | None = told("SHA-256 before; left out for a new file", "变更前的 SHA-256；新增文件不填", None)
    after: Fingerprint | None = told(
        "SHA-256 after; left out for a removed file", "变更后的 SHA-256；删除文件不填", None
    )


class ChangeAssessment(EntryPart):
    """What was measured again because of the change."""

    finished: Moment = told("when it was done", "完成时间")
    system: Fingerprint = told("digest of the system that was assessed", "受测系统的摘要")
    evidence: Fingerprint | None = told("digest of the evidence bundle", "证据包的摘要", None)
    checks: list[Identifier] = told(
        "ids of the checks that were run again", "重新运行的检查项编号", min_length=1, examples=[["model.performance"]]
    )
    passed: bool = told("whether the outcome allowed the release", "结果是否允许发布")


class Change(Entry):
    """One change."""

    register: ClassVar[str] = "changes"
    about: ClassVar[Text] = Text("the register of changes", "变更登记")

    id: Identifier = told("name of the change, unique", "变更编号，不重复", examples=["C-2026-014"])
    at: Moment = told("when it was made", "变更时间")
    released: Moment | None = told(
        "when it went into service; left out while it has not", "投入使用的时间；尚未投入则不填", None
    )
    summary: Line = told("what was changed and why", "变更内容与原因")
    parts: list[Part] = told(
        "parts of the system that were changed", "被变更的系统部分", min_length=1, examples=[["model", "data.train"]]
    )
    files: dict[RelativePath, FileChange] = told(
        "files that were changed, by path as in system.yaml", "被变更的文件，路径与 system.yaml 一致", {}
    )
    envelope: Identifier | None = told(
        "clause of `change-envelope` that allows it; left out when it is outside",
        "允许该变更的 `change-envelope` 条款；超出预定范围则不填",
        None,
    )
    assessment: ChangeAssessment | None = told("what was measured again", "重新测评的情况", None)
