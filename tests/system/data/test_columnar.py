import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.system.made import data_set, describe, make
from touchstone.errors import DataError
from touchstone.system.data.dataset import LabelledData
from touchstone.system.data.reading import read_data

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def written(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


GOOD: dict[str, Any] = {"a": [1, 2], "b": [0.5, 1.5], "t": ["no", "yes"], "id": [10, 11], "g": ["F", "M"]}


def read(folder: Path, content: bytes, **named: Any) -> LabelledData:
    test = data_set("t.parquet", "parquet", **({"target": "t"} | named))
    settings = {"columns": ["a", "b"], "data": {"test": test}, "format_": "onnx", "file": "t.parquet"}
    return read_data(make(folder, describe(**settings), {"t.parquet": content}), "test")


def test_every_part_is_read(tmp_path: Path) -> None:
    data = read(tmp_path, written(**GOOD), identifier="id", sensitive=["g"])
    assert data.inputs.tolist() == [[1, 0.5], [2, 1.5]]
    assert data.inputs.dtype == np.float32
    assert data.target is not None
    assert data.target.tolist() == [0, 1]
    assert data.identifiers == ("10", "11")
    assert data.sensitive["g"].tolist() == ["F", "M"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PAR1 not parquet PAR1", "not a readable Parquet"),
        (written(**GOOD)[:-9], "not a readable Parquet"),
        (written(**{k: v for k, v in GOOD.items() if k != "b"}), "no column 'b'"),
        (written(**GOOD | {"b": ["x", "y"]}), "holds string, not numbers"),
        (written(**GOOD | {"b": [0.5, None]}), "row 2, column b: is not a finite"),
        (written(**GOOD | {"a": [1, None]}), "row 2, column a: is not a finite"),
        (written(**GOOD | {"t": ["no", None]}), "row 2, column t: 'None' is no declared class"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read(tmp_path, content)
