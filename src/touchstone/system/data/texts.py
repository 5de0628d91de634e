"""Data sets of texts: which column holds them, and JSON Lines, one object per line with a text and its label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import DataError
from touchstone.system.data.files import read_bounded
from touchstone.system.data.json_lines import lines_of_json
from touchstone.system.data.tables import check_header, check_size, other_columns, table_rows
from touchstone.system.data.validation import Rows, validate
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.description import DataSet
    from touchstone.system.subject import Subject


def read_jsonl(subject: Subject, role: str, declared: DataSet) -> LabelledData:
    """Read the JSON Lines file of one data set. Fields the description does not name are left out."""
    rows = parse_jsonl(read_bounded(subject, declared.path), declared)
    return validate(rows, role, subject.description.model)


def parse_jsonl(content: bytes, declared: DataSet) -> Rows:
    """Rows of a JSON Lines file. Raises `DataError` naming the line of whatever cannot be read."""
    names = [text_column(declared), *other_columns(declared)]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for place, record in lines_of_json(content, declared.path):
        check_header(list(record), names, place)
        for name in names:
            columns[name].append(record[name])
        check_size(len(columns[names[0]]), len(names), declared.path)
    return text_rows(declared, columns)


def text_column(declared: DataSet) -> str:
    """The column of the texts. Raises `DataError` when the description names none."""
    if declared.features is None:
        raise DataError(
            Text("no column of texts is named", "未指明文本所在的列"),
            declared.path,
            Text("name it, for example `features: text`", "请指明，例如 `features: text`"),
        )
    return declared.features


def text_rows(declared: DataSet, columns: Mapping[str, Sequence[Any]]) -> Rows:
    """The parts of a data set of texts."""
    name = text_column(declared)
    return table_rows(declared, [name], np.array([*columns[name], None], dtype=object)[:-1], columns)
