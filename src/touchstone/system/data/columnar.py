"""Data sets in Parquet, read by Apache Arrow (extra `parquet`). Only the columns named are decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import DataError, UnavailableError
from touchstone.system.data.files import read_bounded
from touchstone.system.data.tables import check_header, check_size, feature_columns, other_columns, table_rows
from touchstone.system.data.validation import validate
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.description import DataSet
    from touchstone.system.subject import Subject


def read_parquet(subject: Subject, role: str, declared: DataSet) -> LabelledData:
    """Read the Parquet file of one data set. Columns the description does not name are left out."""
    model = subject.description.model
    features, others = feature_columns(declared, model), other_columns(declared)
    table = _table(read_bounded(subject, declared.path), features, others, declared.path)
    columns = {name: table.column(name).to_pylist() for name in others}
    inputs = np.empty((table.num_rows, len(features)))
    for place, name in enumerate(features):
        inputs[:, place] = _numbers(table.column(name), name, declared.path)
    rows = table_rows(declared, features, inputs, columns)
    return validate(rows, role, model)


def _table(content: bytes, features: list[str], others: list[str], where: str) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UnavailableError(
            Text("reading Parquet needs pyarrow", "读取 Parquet 需要 pyarrow"),
            where,
            Text("pip install 'touchstone[parquet]'", "pip install 'touchstone[parquet]'"),
        ) from None

    needed = list(dict.fromkeys([*features, *others]))
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        check_header(file.schema_arrow.names, needed, where)
        check_size(file.metadata.num_rows, len(needed), where)
        return file.read(columns=needed, use_threads=False)
    except pyarrow.ArrowException as error:
        reason = (str(error).splitlines() or ["?"])[0][:200]
        raise DataError(
            Text(f"is not a readable Parquet file: {reason}", f"不是可读取的 Parquet 文件：{reason}"),
            where,
            Text("write the file again, or hand the data in as CSV", "请重新写出该文件，或以 CSV 提交数据"),
        ) from None


def _numbers(column: Any, name: str, where: str) -> Any:
    """A column of numbers; a missing value becomes NaN, which validation names with its row."""
    import pyarrow

    kind = column.type
    if not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_boolean(kind)):
        raise DataError(
            Text(f"holds {kind}, not numbers", f"类型为 {kind}，不是数值"),
            f"{where}, column {name}",
            Text("encode categories as the model expects them", "类别特征请按模型的要求编码"),
        )
    return column.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
