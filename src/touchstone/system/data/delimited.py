"""Data sets in CSV: UTF-8, one header line, comma, semicolon or tab between cells, a point in decimals.

Tables of numbers, and texts: the latter in the one column that `features` names.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from touchstone.errors import DataError
from touchstone.system.data.files import read_bounded
from touchstone.system.data.tables import check_header, check_size, feature_columns, other_columns, table_rows
from touchstone.system.data.texts import text_column, text_rows
from touchstone.system.data.validation import Rows, validate
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.description import DataSet
    from touchstone.system.subject import Subject

MISSING = frozenset({"", "NA"})
"""How a cell says that it has no value, besides NaN, in columns that may lack one."""
DELIMITERS = (",", ";", "\t")


def read_csv(subject: Subject, role: str, declared: DataSet) -> LabelledData:
    """Read the CSV file of one data set. Columns the description does not name are left out."""
    model = subject.description.model
    content = read_bounded(subject, declared.path)
    if model.input.kind == "text":
        return validate(parse_csv_texts(content, declared), role, model)
    return validate(parse_csv(content, feature_columns(declared, model), declared), role, model)


def parse_csv(content: bytes, features: Sequence[str], declared: DataSet) -> Rows:
    """Rows of a CSV file. Raises `DataError` naming the row and column of whatever cannot be read."""
    others = other_columns(declared)
    header, lines = _table(content, [*features, *others], declared.path)
    feature_places = [header.index(name) for name in features]
    may_be_missing = [header.index(name) for name in features if name in (declared.missing or ())]
    other_places = {name: header.index(name) for name in others}

    numbers = array("d")
    columns: dict[str, list[str]] = {name: [] for name in others}
    for place, cells in lines:
        for position in may_be_missing:
            cells[position] = "nan" if cells[position].strip() in MISSING else cells[position]
        chosen = [cells[position] for position in feature_places]
        try:
            numbers.extend([float(cell) for cell in chosen])
        except ValueError:
            raise _no_number(chosen, features, place) from None
        if any("_" in cell for cell in chosen):  # Python reads 1_000 as a number, no other reader does
            raise _no_number(chosen, features, place)
        for name, position in other_places.items():
            columns[name].append(cells[position])
    inputs = np.frombuffer(numbers, dtype=np.float64).reshape(-1, len(features))
    return table_rows(declared, features, inputs, columns)


def parse_csv_texts(content: bytes, declared: DataSet) -> Rows:
    """Rows of a CSV file of texts. Raises `DataError` naming the row of whatever cannot be read."""
    names = [text_column(declared), *other_columns(declared)]
    header, lines = _table(content, names, declared.path)
    places = {name: header.index(name) for name in names}
    columns: dict[str, list[str]] = {name: [] for name in names}
    for _, cells in lines:
        for name, position in places.items():
            columns[name].append(cells[position])
    return text_rows(declared, columns)


def _table(content: bytes, needed: Sequence[str], where: str) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """The header, which has the columns needed, and the rows with the place of each."""
    text = _decoded(content, where)
    lines = _records(text, _delimiter(text, set(needed)), where)
    header = [name.strip() for name in next(lines, [])]
    check_header(header, needed, where)

    def rows() -> Iterator[tuple[str, list[str]]]:
        for row, cells in enumerate(lines):
            place = f"{where}, row {row + 1}"
            if len(cells) != len(header):
                raise _ragged(len(cells), len(header), place)
            check_size(row + 1, len(header), where)
            yield place, cells

    return header, rows()


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            Text("is not UTF-8", "不是 UTF-8 编码"),
            f"{where}, line {line}",
            Text("save the file as UTF-8 (in a spreadsheet: CSV UTF-8)", "请另存为 UTF-8 编码的 CSV"),
        ) from None


def _delimiter(text: str, needed: set[str]) -> str:
    """The delimiter under which the header has most of the needed columns, then most columns."""

    def fitness(delimiter: str) -> tuple[int, int]:
        try:
            header = next(csv.reader(io.StringIO(text[:1_000_000], newline=""), delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        return len(needed & {name.strip() for name in header}), len(header)

    return max(DELIMITERS, key=fitness)


def _records(text: str, delimiter: str, where: str) -> Iterator[list[str]]:
    """Each record, empty lines left out as spreadsheets leave them behind."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                yield cells
    except csv.Error as error:
        raise DataError(
            Text(f"is not CSV: {error}", f"不是合法 CSV：{error}"),
            f"{where}, line {reader.line_num}",
            Text("check the quotes around that line", "请检查该行附近的引号"),
        ) from None


def _ragged(found: int, expected: int, place: str) -> DataError:
    return DataError(
        Text(f"has {found} cells, the header has {expected}", f"有 {found} 个单元格，而表头有 {expected} 个"),
        place,
        Text("quote cells that contain the delimiter", "含分隔符的单元格须加引号"),
    )


def _no_number(cells: Sequence[str], names: Sequence[str], place: str) -> DataError:
    for cell, name in zip(cells, names, strict=True):
        if not cell.strip():
            return DataError(
                Text("is empty", "为空"),
                f"{place}, column {name}",
                Text(
                    "write under `missing:` of the data set what the deployed system fills in for this column",
                    "请在该数据集的 `missing:` 下写明部署系统为此列填补的值",
                ),
            )
        if "_" in cell or not _is_number(cell):
            return DataError(
                Text(f"{cell[:60]!r} is not a number", f"{cell[:60]!r} 不是数值"),
                f"{place}, column {name}",
                Text(
                    "write numbers with a decimal point; encode categories as the model expects them",
                    "数值请使用小数点；类别特征请按模型的要求编码",
                ),
            )
    raise AssertionError("called for cells that are all numbers")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
