"""Members of PyTorch's zip archives that are no pickles: raw storages, and small records with a fixed content.

A storage is the bytes of one tensor. Only what it begins with is looked at: nothing but `data.pkl` ever reads it, and
it may be gigabytes long.
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import RULES as TENSOR_RULES
from touchstone.scan.tensor_beginnings import look_at_beginning

RULES: Final[tuple[Rule, ...]] = TENSOR_RULES

_RECORDS: Final = frozenset(
    {
        "version",
        "byteorder",
        ".format_version",
        ".storage_alignment",
        "serialization_id",
        "archive_format",
        "archive_version",
    }
)
_RECORD: Final = re.compile(rb"(little|big|pt2|[0-9.]{1,64})\n?")
_LONGEST_RECORD: Final = 66


def is_known_record(name: str, content: Source) -> bool:
    """Whether a member is one of the small records that PyTorch writes: numbers and words that only it reads."""
    if content.size > _LONGEST_RECORD or name.rsplit("/", 1)[-1] not in _RECORDS:
        return False
    return _RECORD.fullmatch(content.read(0, _LONGEST_RECORD)) is not None


def read_storage(source: Source, examination: Examination) -> None:
    """Look at what a tensor's bytes begin with."""
    look_at_beginning(source, "the storage", 0, examination)
