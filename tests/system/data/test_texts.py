import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.system.made import data_set, describe, make
from touchstone.errors import DataError
from touchstone.system.data.dataset import LabelledData
from touchstone.system.data.texts import parse_jsonl
from touchstone.system.description import DataSet

CSV = 'text,label,sex\n"very good, thanks",yes,f\n服务太差,no,m\n'
JSONL = '{"text": "very good, thanks", "label": "yes", "more": [1]}\n\n{"label": 0, "text": "服务太差"}\n'


def read(folder: Path, content: str | bytes, format_: str = "jsonl", **changes: Any) -> LabelledData:
    declared = data_set("t.x", format_, **{"features": "text", "target": "label", **changes})
    data = content if isinstance(content, bytes) else content.encode()
    return make(
        folder, describe(kind="text", format_="skops", file="m", data={"test": declared}), {"m": b"m", "t.x": data}
    ).data("test")


@pytest.mark.parametrize(("content", "format_"), [(CSV, "csv"), (JSONL, "jsonl"), ("\ufeff" + JSONL, "jsonl")])
def test_texts_and_their_labels(tmp_path: Path, content: str, format_: str) -> None:
    data = read(tmp_path, content, format_)
    assert data.inputs.tolist() == ["very good, thanks", "服务太差"]
    assert data.inputs.dtype == object
    assert data.target is not None
    assert data.target.tolist() == [1, 0]


def test_further_columns(tmp_path: Path) -> None:
    assert read(tmp_path, CSV, "csv", sensitive=["sex"]).sensitive["sex"].tolist() == ["f", "m"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "a"}', "no column 'label'"),
        ('{"text": "a", "label": "yes"', "not a JSON object"),
        ('["a", "yes"]', "not a JSON object"),
        ('{"text": "a", "text": "b", "label": "yes"}', "every name once"),
        ('{"text": "a", "label": NaN}', "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('{"text": 3, "label": "yes"}', "not a text"),
        ('{"text": " ", "label": "yes"}', "is empty"),
        ('{"text": "\\ud83d", "label": "yes"}', "lone surrogate"),
        (json.dumps({"text": "a" * 100_001, "label": "yes"}), "more than 100,000"),
        ('{"text": "a", "label": "perhaps"}', "no declared class"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, JSONL + line + "\n")
    assert said in error.value.what.en
    assert "line 4" in error.value.where or "row 3" in error.value.where


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read(tmp_path, JSONL.encode("gb18030"))


@given(st.lists(st.tuples(st.text(), st.integers(0, 1)), min_size=1))
def test_whatever_json_writes_is_read_back(rows: list[tuple[str, int]]) -> None:
    content = "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows).encode()
    declared = DataSet.model_validate(data_set("t.jsonl", "jsonl", features="text", target="label"))
    read_back = parse_jsonl(content, declared)
    assert read_back.inputs.tolist() == [text for text, _ in rows]
    assert read_back.target == [label for _, label in rows]
