"""Registers whose entries are about somebody, named by an identifier or, so as to say no name, by its digest."""

from __future__ import annotations

import hashlib

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, Fingerprint, told
from touchstone.system.registers.spelling import holds_unseen


class OfSubject(Entry):
    """An entry about somebody."""

    subject: Line | None = told("identifier under which records are or were held", "记录所用的标识", None)
    subject_digest: Fingerprint | None = told(
        "SHA-256 of that identifier in UTF-8, in its place", "代替标识：其 UTF-8 编码的 SHA-256", None
    )

    @property
    def name(self) -> str:
        """The digest by which entries can be compared, whichever way they name somebody."""
        return self.subject_digest or subject_digest(self.subject or "")

    @model_validator(mode="after")
    def _one_subject(self) -> OfSubject:
        if (self.subject is None) == (self.subject_digest is None):
            raise PydanticCustomError(
                "one_subject",
                "needs either `subject` or `subject_digest`, and not both",
                {"zh": "须填写 `subject` 或 `subject_digest` 之一，且不可同时填写"},
            )
        if holds_unseen(self.subject or ""):
            raise PydanticCustomError(
                "unseen",
                "`subject` holds characters that nobody sees, or spaces at an end",
                {"zh": "`subject` 含不可见字符或首尾空格"},
            )
        return self


def subject_digest(identifier: str) -> str:
    """How a register names somebody without saying who."""
    return "sha256:" + hashlib.sha256(identifier.encode()).hexdigest()
