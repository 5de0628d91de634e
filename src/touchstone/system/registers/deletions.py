"""Register `deletions`: requests to delete what is held about somebody, and what was done."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, Fingerprint, Moment, told
from touchstone.text import Text


class Deletion(Entry):
    """One request to delete."""

    register: ClassVar[str] = "deletions"
    about: ClassVar[Text] = Text("the record of deletion requests", "删除请求记录")

    id: Line = told("number of the request, unique", "请求编号，不重复", examples=["DEL-0001"])
    subject: Line | None = told("identifier under which the records were held", "记录所用的标识", None, min_length=4)
    subject_digest: Fingerprint | None = told(
        "SHA-256 of that identifier in UTF-8, in its place", "代替标识：其 UTF-8 编码的 SHA-256", None
    )
    requested: Moment = told("when it was asked for", "请求时间")
    done: Moment | None = told("when it was done; left out, it was not", "完成时间；不填即未完成", None)

    @model_validator(mode="after")
    def _one_subject(self) -> Deletion:
        if (self.subject is None) == (self.subject_digest is None):
            raise PydanticCustomError(
                "one_subject",
                "needs either `subject` or `subject_digest`, and not both",
                {"zh": "须填写 `subject` 或 `subject_digest` 之一，且不可同时填写"},
            )
        return self
