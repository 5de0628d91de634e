"""Sensitive columns that nobody declared are found by name and by content; columns of machines are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.checks.running import InProcessRun, metric
from tests.system.made import data_set, describe, make
from touchstone.canonical import parse_json
from touchstone.checks.data_security.inventory import inventory
from touchstone.checks.declaration import Measurement, Parameters

COLUMNS = {
    "a": "1",
    "p": "no",
    "bloodPressure": "120",
    "民族": "汉",
    "c7": "E11.{}",
    "c8": "31.230{}, 121.47{}3",
    "vibration_rms": "0.{}",
    "note": "none",
}


def measured(folder: Path, facts: dict[str, Any], **rest: Any) -> tuple[Measurement, InProcessRun]:
    names = list(COLUMNS)
    rows = [",".join(f'"{value.format(row % 10, row % 10)}"' for value in COLUMNS.values()) for row in range(40)]
    declared = data_set("test.csv", "csv", predictions=["p"], **rest)
    description = describe(columns=["a"], access="predictions", output="labels", data={"test": declared})
    description["facts"] = facts
    subject = make(folder, description, {"test.csv": "\n".join([",".join(names), *rows]).encode()})
    run = InProcessRun()
    return inventory.function(subject, Parameters(), run), run


def test_undeclared_classes_are_found_by_name_and_by_content(tmp_path: Path) -> None:
    measurement, run = measured(tmp_path, {"data.personal": False})
    assert metric(measurement, "undeclared_sensitive_classes").value == 3
    [listed] = parse_json(run.kept["inventory.json"], "inventory.json")["data"]
    told = {column["name"]: (column["holds"], column["told_by"]) for column in listed["columns"]}
    assert told["bloodPressure"] == ("health", "name")
    assert told["民族"] == ("ethnicity", "name")
    assert told["c7"] == ("health", "content")
    assert told["c8"] == ("location", "content")
    assert all(told[name] == (None, "nothing") for name in ("a", "p", "vibration_rms", "note"))
    assert [control.passed for control in measurement.controls] == [True, True]
    assert any("民族" in note.text.en and "民族" in note.text.zh for note in measurement.warnings)


def test_what_is_declared_does_not_count(tmp_path: Path) -> None:
    by_fact, _ = measured(tmp_path / "fact", {"data.sensitive_personal": True})
    assert metric(by_fact, "undeclared_sensitive_classes").value == 0
    by_column, _ = measured(tmp_path / "column", {}, sensitive=["民族", "c8"])
    assert metric(by_column, "undeclared_sensitive_classes").value == 1
    assert by_column.warnings[0].text.en.startswith("health in test.csv: bloodPressure, test.csv: c7")


def test_no_value_of_a_person_is_in_the_evidence(tmp_path: Path) -> None:
    _, run = measured(tmp_path, {})
    assert b"31.230" not in run.kept["inventory.json"]
    assert b"E11." not in run.kept["inventory.json"]
