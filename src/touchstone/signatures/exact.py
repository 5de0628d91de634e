"""Records with exactly one spelling: the bytes read must be the bytes we would write.

A signature or digest then covers every byte of a file. White space, another order of keys, a number written as
a string, a field that is left out because it has a default: each is another spelling, and is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from touchstone.canonical import canonical_json, parse_json
from touchstone.errors import EvidenceError
from touchstone.records import Record
from touchstone.text import Text

Sha256 = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""A :data:`touchstone.canonical.Digest` that came from outside."""

Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Thirty-two bytes in lower-case hexadecimal."""


class ExactRecord(Record):
    """A record in the field names of in-toto and DSSE (camel case) that refuses any spelling but its own."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Self:
        record = cls.from_json(parse_json(data, where), where)
        if record.to_bytes() != data:
            raise _another_spelling(where)
        return record

    @classmethod
    def from_json(cls, value: Any, where: str) -> Self:
        record = super().from_json(value, where)
        try:
            exact = canonical_json(value) == record.to_bytes()
        except ValueError:  # a lone surrogate has no UTF-8 form, so no canonical form either
            exact = False
        if not exact:
            raise _another_spelling(where)
        return record


def _another_spelling(where: str) -> EvidenceError:
    return EvidenceError(
        Text("is not in the one canonical form (RFC 8785) it was written in", "不是写入时唯一的规范形式（RFC 8785）"),
        where,
        Text(
            "use the original file, not one that was edited or reformatted",
            "请使用原始文件，而非经编辑或重新排版的文件",
        ),
    )
