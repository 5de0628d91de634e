"""The verified bytes of a data file, refused before reading when there are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from touchstone.errors import DataError
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.subject import Subject

LARGEST_FILE = 2 * 1024**3


def read_bounded(subject: Subject, path: str) -> bytes:
    """The bytes of one data file. Raises `DataError` when it is larger than 2 GiB or empty."""
    size = subject.record(path).size
    if size > LARGEST_FILE:
        raise DataError(
            Text("is larger than 2 GiB", "大于 2 GiB"), path, Text("hand in a sample of it", "请提交其中一部分")
        )
    if size == 0:
        raise DataError(Text("is empty", "为空"), path, Text("hand in the data", "请提交数据"))
    return subject.read(path)
