"""What tables of every format share: which columns a data set needs, and where they stand in the header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from touchstone.errors import DataError
from touchstone.system.data.validation import Rows
from touchstone.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from touchstone.system.description import DataSet, ModelDeclaration

MOST_CELLS = 5_000_000
"""Cells of a table; larger data belong into an npz file."""


def feature_columns(declared: DataSet, model: ModelDeclaration) -> list[str]:
    """The columns the model takes. Raises `DataError` when the description names none."""
    where = declared.path
    if model.input.kind not in ("tabular", "timeseries") or not model.input.columns:
        raise DataError(
            Text("a table needs the feature columns named", "表格数据需要指明特征列"),
            where,
            Text(
                "list them in model.input.columns (kind tabular or timeseries), or hand the data in as npz",
                "请在 model.input.columns 中列出（kind 为 tabular 或 timeseries），或以 npz 格式提交数据",
            ),
        )
    return model.input.columns


def other_columns(declared: DataSet) -> list[str]:
    """The columns the description names besides features."""
    named = (declared.target, declared.identifier, declared.site, *declared.sensitive, *declared.predictions)
    return [name for name in (*named, *(declared.annotations or ())) if name is not None]


def table_rows(
    declared: DataSet, features: Sequence[str], inputs: NDArray[np.float64], columns: Mapping[str, Sequence[Any]]
) -> Rows:
    """The parts of a table, each column put where the description says it belongs."""
    return Rows(
        where=declared.path,
        inputs=inputs,
        feature_names=features,
        target=columns[declared.target] if declared.target else None,
        identifiers=columns[declared.identifier] if declared.identifier else None,
        sensitive={name: columns[name] for name in declared.sensitive},
        predictions=[columns[name] for name in declared.predictions],
        sites=columns[declared.site] if declared.site else None,
        annotations={name: columns[name] for name in declared.annotations or ()},
        fills=declared.missing or {},
        target_name=declared.target or "",
        identifier_name=declared.identifier or "",
        site_name=declared.site or "",
        prediction_names=declared.predictions,
    )


def check_header(header: Sequence[str], needed: Sequence[str], where: str) -> None:
    """Raise `DataError` for a column that is there twice, or needed and absent (naming the nearest that is there)."""
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(
            Text(f"has the column {twice[0][:100]!r} twice", f"列 {twice[0][:100]!r} 重复出现"),
            f"{where}, header",
            Text("rename or remove one of them", "请重命名或删除其中一列"),
        )
    present = set(header)
    for name in needed:
        if name not in present:
            nearest = get_close_matches(name, [column[:200] for column in header[:1000]], n=1)
            hint = Text(f"; did you mean {nearest[0]!r}?", f"；是否为 {nearest[0]!r}？") if nearest else Text("", "")
            raise DataError(
                Text(f"has no column {name!r}{hint.en}", f"没有列 {name!r}{hint.zh}"),
                f"{where}, header",
                Text(
                    "correct the name in the description or in the file; names are case-sensitive",
                    "请更正描述文件或数据文件中的列名；列名区分大小写",
                ),
            )


def check_size(rows: int, columns: int, where: str) -> None:
    """Raise `DataError` for a table with more cells than are read."""
    if rows * columns > MOST_CELLS:
        raise DataError(
            Text(f"holds more than {MOST_CELLS:,} cells", f"单元格超过 {MOST_CELLS:,} 个"),
            where,
            Text("hand in a sample of the rows, or an npz file", "请提交部分行，或使用 npz 文件"),
        )
