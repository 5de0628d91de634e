"""Register `derived-records`: identifiers that indexes, caches, feature stores and backups hold."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, Fingerprint, Moment, told
from touchstone.text import Text


class DerivedRecord(Entry):
    """One record in a store that was derived from the data."""

    register: ClassVar[str] = "derived-records"
    about: ClassVar[Text] = Text("the identifiers in indexes and other derived stores", "索引等派生存储中的标识清单")

    store: Line = told("name of the store", "存储名称", examples=["similar-case index"])
    read: Moment = told("when the store was read", "读取该存储的时间")
    subject: Line | None = told("identifier the record is held under", "记录所用的标识", None)
    subject_digest: Fingerprint | None = told(
        "SHA-256 of that identifier in UTF-8, in its place", "代替标识：其 UTF-8 编码的 SHA-256", None
    )

    @model_validator(mode="after")
    def _one_subject(self) -> DerivedRecord:
        if (self.subject is None) == (self.subject_digest is None):
            raise PydanticCustomError(
                "one_subject",
                "needs either `subject` or `subject_digest`, and not both",
                {"zh": "须填写 `subject` 或 `subject_digest` 之一，且不可同时填写"},
            )
        return self
