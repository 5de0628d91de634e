from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.system.made import data_set, describe, make
from touchstone.errors import DataError, UnavailableError, UserError
from touchstone.system.data.dataset import LabelledData
from touchstone.system.data.delimited import parse_csv
from touchstone.system.data.reading import read_data
from touchstone.system.data.validation import validate
from touchstone.system.description import DataSet, ModelDeclaration

GOOD = "a,b,t,id,sex,site,p0,p1,note\n1,0.5,no,x,F,s1,0.9,0.1,hi\n-2,1e-1,yes,y,M,s2,0.2,0.8,there\n"
EVERYTHING = {
    "target": "t",
    "identifier": "id",
    "sensitive": ["sex"],
    "site": "site",
    "predictions": ["p0", "p1"],
}


def read(folder: Path, content: str | bytes, named: dict[str, Any] | None = None, **changes: Any) -> LabelledData:
    raw = content.encode() if isinstance(content, str) else content
    declared = data_set("t.csv", "csv", **({"target": "t"} if named is None else named))
    settings = {"columns": ["a", "b"], "data": {"reference": declared}, "format_": "onnx", "file": "t.csv", **changes}
    return read_data(make(folder, describe(**settings), {"t.csv": raw}), "reference")


def test_every_part_is_read(tmp_path: Path) -> None:
    data = read(tmp_path, GOOD, EVERYTHING)
    assert data.inputs.tolist() == [[1.0, 0.5], [-2.0, np.float32(0.1)]]
    assert data.inputs.dtype == np.float32
    assert data.target is not None
    assert data.target.tolist() == [0, 1]
    assert data.target.dtype == np.int64
    assert data.identifiers == ("x", "y")
    assert data.sensitive["sex"].tolist() == ["F", "M"]
    assert data.sites is not None
    assert data.sites.tolist() == ["s1", "s2"]
    assert data.predictions is not None
    assert data.predictions.tolist() == [[0.9, 0.1], [0.2, 0.8]]
    assert data.role == "reference"
    assert len(data) == 2


@pytest.mark.parametrize(
    "content",
    [
        "a,b,t\n1,2,no\n3,4,yes\n",
        "a;b;t\n1;2;no\n3;4;yes\n",
        "a\tb\tt\r\n1\t2\tno\r\n3\t4\tyes",
        "\ufefft,b,a\nno,2,1\nyes,4,3\n",
        'a,b,t\n"1",2,0\n3," 4",1.0\n\n',
        "a, b ,t\n1,2,no\n3,4,yes\n",
        '"x;y;z";a;b;t\n"q,r";1;2;no\n"";3;4;yes\n',
    ],
)
def test_the_ways_to_write_one_table(tmp_path: Path, content: str) -> None:
    data = read(tmp_path, content)
    assert data.inputs.tolist() == [[1, 2], [3, 4]]
    assert data.target is not None
    assert data.target.tolist() == [0, 1]


def test_without_a_target_the_set_is_unlabelled(tmp_path: Path) -> None:
    data = read(tmp_path, "a,b\n1,2\n", {})
    assert data.target is None
    assert data.predictions is None
    assert data.identifiers is None


def test_predicted_labels_may_be_one_column(tmp_path: Path) -> None:
    data = read(tmp_path, "a,b,t,p\n1,2,no,yes\n1,2,yes,0\n", {"target": "t", "predictions": ["p"]})
    assert data.predictions is not None
    assert data.predictions.tolist() == [1, 0]
    assert data.predictions.dtype == np.int64


def test_a_role_that_was_not_handed_in_is_unavailable(tmp_path: Path) -> None:
    subject = make(tmp_path, describe(columns=["a"], format_="onnx", file="m"), {"m": b"x"})
    with pytest.raises(UnavailableError, match="no train data"):
        read_data(subject, "train")


BAD: dict[str, tuple[str | bytes, dict[str, Any] | None, dict[str, Any], str, str]] = {
    "empty file": (b"", None, {}, "is empty", "t.csv"),
    "header only": ("a,b,t\n", None, {}, "no rows", "t.csv"),
    "blank lines only": ("\n\n\n", None, {}, "no column 'a'", "t.csv, header"),
    "column twice": ("a,b,t,a\n1,2,no,1\n", None, {}, "column 'a' twice", "t.csv, header"),
    "absent, nearest named": ("a,b,outcome\n1,2,no\n", {"target": "outcom"}, {}, "did you mean 'outcome'", "header"),
    "absent, none near": ("a,zzz,t\n1,2,no\n", None, {}, "no column 'b'$", "t.csv, header"),
    "too few cells": ("a,b,t\n1,2,no\n1,2\n", None, {}, "has 2 cells, the header has 3", "t.csv, row 2"),
    "too many cells": ("a,b,t\n1,2,no,9\n", None, {}, "has 4 cells, the header has 3", "t.csv, row 1"),
    "a word for a number": ("a,b,t\n1,2,no\n1,high,yes\n", None, {}, "'high' is not a number", "row 2, column b"),
    "a missing number": ("a,b,t\n1,,no\n", None, {}, "is empty", "row 1, column b"),
    "decimal comma": ("a;b;t\n1;2,5;no\n", None, {}, "'2,5' is not a number", "row 1, column b"),
    "underscore": ("a,b,t\n1,2_000,no\n", None, {}, "'2_000' is not a number", "row 1, column b"),
    "NaN": ("a,b,t\n1,2,no\nnan,2,yes\n", None, {}, "not a finite", "row 2, column a"),
    "infinity": ("a,b,t\n1,-inf,no\n", None, {}, "not a finite", "row 1, column b"),
    "too large for float32": ("a,b,t\n1,1e39,no\n", None, {}, "not a finite", "row 1, column b"),
    "below the range": ("a,b,t\n1,2,no\n-0.1,2,yes\n", None, {"low": 0.0, "high": 9.0}, "below", "row 2, column a"),
    "above the range": ("a,b,t\n1,2,no\n1,9.1,yes\n", None, {"low": 0.0, "high": 9.0}, "above", "row 2, column b"),
    "unknown class": ("a,b,t\n1,2,no\n1,2,maybe\n", None, {}, r"'maybe' is no declared class \(no, yes\)", "column t"),
    "class index too high": ("a,b,t\n1,2,0\n1,2,2\n", None, {}, "'2' is no declared class", "row 2, column t"),
    "missing class": ("a,b,t\n1,2,no\n1,2,\n", None, {}, "'' is no declared class", "row 2, column t"),
    "NaN class": ("a,b,t\n1,2,no\n1,2,nan\n", None, {}, "'nan' is no declared class", "row 2, column t"),
    "one class only": ("a,b,t\n1,2,no\n3,4,no\n", None, {}, "class 'no' only", "column t"),
    "identifier twice": (
        "a,b,i\n1,2,x\n1,2,y\n1,2,x\n",
        {"identifier": "i"},
        {},
        "'x' is also in row 1",
        "row 3, column i",
    ),
    "identifier missing": ("a,b,i\n1,2,x\n1,2,\n", {"identifier": "i"}, {}, "is empty", "row 2, column i"),
    "attribute missing": ("a,b,s\n1,2,\n", {"sensitive": ["s"]}, {}, "is empty", "row 1, column s"),
    "attribute too long": ("a,b,s\n1,2," + "x" * 2000 + "\n", {"sensitive": ["s"]}, {}, "too long", "column s"),
    "predictions sum": ("a,b,p,q\n1,2,0.5,0.6\n", {"predictions": ["p", "q"]}, {}, "sums to 1.1", "t.csv, row 1"),
    "predictions range": ("a,b,p,q\n1,2,-1,2\n", {"predictions": ["p", "q"]}, {}, "range from -1 to 2", "row 1"),
    "prediction no number": ("a,b,p,q\n1,2,x,1\n", {"predictions": ["p", "q"]}, {}, "'x' is no prob", "column p"),
    "prediction unknown": ("a,b,p\n1,2,x\n", {"predictions": ["p"]}, {}, "'x' is no declared", "row 1, column p"),
    "not UTF-8": (b"a,b,t\n1,2,no\n\xb1,2,no\n", None, {}, "not UTF-8", "t.csv, line 3"),
    "UTF-16": ("a,b,t\n1,2,no\n".encode("utf-16"), None, {}, "not UTF-8", "line 1"),
    "open quote": ('a,b,t\n1,2,"no\n', None, {}, "not CSV", "t.csv, line"),
    "huge cell": ("a,b,t\n1," + "9" * 200_000 + ",no\n", None, {}, "not CSV", "t.csv, line"),
    "a pickle": (b"\x80\x04\x95\xff\xff", None, {}, "not UTF-8", "t.csv"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    content, columns, changes, reason, place = BAD[name]
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path, content, columns, **changes)
    assert place in (caught.value.where or "")
    assert caught.value.remedy is not None
    assert caught.value.what.zh != caught.value.what.en


def test_bounds_are_compared_as_the_model_sees_them(tmp_path: Path) -> None:
    """0.1 as a 32-bit number is greater than 0.1 as a 64-bit number."""
    read(tmp_path, "a,b,t\n0.1,0.1,no\n0.1,0.1,yes\n", high=0.1, low=0.0)


def test_a_table_does_not_hold_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs the feature columns"):
        read(tmp_path, GOOD, None, kind="image", columns=None, shape=[1, 1, 2])


def test_a_table_with_too_many_cells_is_refused_while_reading(tmp_path: Path) -> None:
    header = ",".join(["a", "b", "t", *(f"c{number}" for number in range(4997))])
    rows = (header + "\n") + ("1,2,no" + ",0" * 4997 + "\n") * 1001
    with pytest.raises(DataError, match="more than 5,000,000 cells"):
        read(tmp_path, rows)


MODEL = ModelDeclaration.model_validate(describe(columns=["a", "b"], format_="onnx", file="m")["model"])
DECLARED = DataSet.model_validate(data_set("t.csv", "csv", **EVERYTHING))


def accepted_or_user_error(content: bytes) -> None:
    try:
        data = validate(parse_csv(content, ["a", "b"], DECLARED), "test", MODEL)
    except UserError:
        return
    assert np.isfinite(data.inputs).all()
    assert data.target is not None
    assert set(data.target.tolist()) == {0, 1}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_user_errors_only(content: bytes) -> None:
    accepted_or_user_error(content)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD)), st.text(max_size=8), st.integers(0, 8))
def test_a_damaged_table_raises_user_errors_only(place: int, patch: str, cut: int) -> None:
    accepted_or_user_error((GOOD[:place] + patch + GOOD[place + cut :]).encode("utf-8", "surrogatepass"))
