from pathlib import Path
from typing import Any

import pytest

from tests.system.made import data_set, describe, make
from touchstone.errors import DescriptionError
from touchstone.system.drafting import UNKNOWN, Known
from touchstone.system.guessing import guess
from touchstone.system.subject import Subject

TEST = data_set("t.jsonl", "jsonl", features="text", target="label")
FILES = {"m.skops": b"m", "t.jsonl": b"{}"}


def opened(folder: Path, test: dict[str, Any] | None = None, **changes: Any) -> Subject:
    settings = {"kind": "text", "format_": "skops", "file": "m.skops", **changes}
    return make(folder, describe(**settings, data={"test": test or TEST}), FILES)


def test_a_text_system_opens(tmp_path: Path) -> None:
    subject = opened(tmp_path)
    assert subject.facts["input.modality"] == "text"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format_": "onnx"}, "model.format: is onnx, which cannot take texts"),
        ({"columns": ["a"]}, "model.input.columns: has no meaning for text"),
        ({"shape": [3]}, "model.input.shape: has no meaning for text"),
        ({"low": 0.0}, "model.input.low: has no meaning for text"),
        ({"normalisation": {"mean": [0], "scale": [1]}}, "model.normalisation: has no meaning for text"),
        ({"test": {**TEST, "format": "npz"}}, "data.test.format: is npz, which holds no texts"),
        ({"test": {**TEST, "features": None}}, "data.test.features: is missing"),
        ({"test": {**TEST, "features": "label"}}, "data.test.features: is also a label"),
        ({"kind": "tabular", "columns": ["a"]}, "data.test.format: is jsonl, which holds texts"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DescriptionError) as error:
        opened(tmp_path, **changes)
    assert said in str(error.value)
    assert len(error.value.problems) == 1


def test_json_lines_are_guessed_to_hold_texts(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"text": "a", "label": 0}', encoding="utf-8")
    values = guess([tmp_path / "test.jsonl"], tmp_path)
    assert values[("model", "input", "kind")] == Known("text")
    assert values[("data", "test", "format")] == Known("jsonl")
    assert values[("data", "test", "features")] == UNKNOWN
