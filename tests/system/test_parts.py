"""The parts of a system: which one a file belongs to, and in which two descriptions differ."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.system.made import data_set, describe, make
from touchstone.system.parts import PATTERN, parts_of_file, parts_that_differ
from touchstone.system.subject import Subject, description_json


def system(folder: Path, **changes: Any) -> Subject:
    data = {"test": data_set("test.csv", "csv", target="y"), "train": data_set("pictures", "image-folder")}
    description = describe(shape=[3, 4, 4], kind="image", format_="onnx", file="m/model.onnx", data=data)
    description["registers"] = {"changes": "changes.jsonl"}
    description["documents"] = [{"path": "test.csv", "controls": ["GA-01"], "title": "the data again"}]
    files = {"m/model.onnx": b"", "test.csv": b"", "pictures/no/1.png": b"", "changes.jsonl": b""}
    return make(folder, description | changes, files)


def test_files_belong_to_the_parts_that_name_them(tmp_path: Path) -> None:
    description = system(tmp_path).description
    assert parts_of_file(description, "m/model.onnx") == {"model"}
    assert parts_of_file(description, "test.csv") == {"data.test", "documents"}
    assert parts_of_file(description, "pictures/no/1.png") == {"data.train"}
    assert parts_of_file(description, "changes.jsonl") == {"registers.changes"}
    assert parts_of_file(description, "elsewhere") == frozenset()
    assert parts_of_file(description, "m") == frozenset()


def test_descriptions_differ_in_the_parts_that_were_changed(tmp_path: Path) -> None:
    def difference(**changes: Any) -> frozenset[str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return parts_that_differ(before, description_json(system(folder, **changes).description))

    (tmp_path / "first").mkdir()
    first = system(tmp_path / "first")
    before = description_json(first.description)
    assert difference() == frozenset()
    assert difference(facts={"data.personal": False}) == {"declaration"}
    assert difference(components=[{"name": "x", "kind": "chip"}], registers={}) == {"components", "registers.changes"}
    assert difference(data={"test": data_set("test.csv", "csv", target="z")}) == {"data.test", "data.train"}
    assert difference(documents=[]) == {"documents"}
    model = before["model"]
    assert parts_that_differ(before, before | {"model": model | {"claims": {"accuracy": "0.9"}}}) == {"model"}
    assert parts_that_differ(before, before | {"model": model | {"task": "regression"}}) == {"declaration"}
    assert parts_that_differ(before, {}) >= {"declaration", "model", "data.test"}


def test_every_part_has_a_name_that_a_register_may_hold(tmp_path: Path) -> None:
    description = description_json(system(tmp_path).description)
    assert all(re.fullmatch(PATTERN, part) for part in parts_that_differ(description, {}))
