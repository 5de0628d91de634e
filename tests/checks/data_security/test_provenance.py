"""A record of a source is complete only with origin, right, time and the digest of the data that are there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.system import onnx_writer as onnx
from tests.system.made import describe, make
from touchstone.canonical import parse_json
from touchstone.checks.data_security.provenance import provenance
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.errors import UnavailableError

ROWS = b"a,p\n1,no\n2,yes\n"
COMPLETE = {
    "origin": "Registry of an example hospital; ethics approval 2025-17",
    "collected": "2019 to 2024",
    "sha256": hashlib.sha256(ROWS).hexdigest(),
}


def measured(folder: Path, records: dict[str, dict[str, Any]]) -> tuple[Measurement, InProcessRun]:
    data = {
        role: {"path": f"{role}.csv", "format": "csv", "predictions": ["p"], **record}
        for role, record in records.items()
    }
    files = {f"{role}.csv": ROWS for role in records}
    description = describe(columns=["a"], access="predictions", output="labels", data=data)
    run = InProcessRun()
    return provenance.function(make(folder, description, files), Parameters(), run), run


def test_complete_records_are_complete_and_controls_hold(tmp_path: Path) -> None:
    measurement, run = measured(tmp_path, {"test": COMPLETE})
    assert metric(measurement, "records_with_provenance").value == 1
    assert measurement.warnings == ()
    assert [control.passed for control in measurement.controls] == [True, True]
    [source] = parse_json(run.kept["provenance.json"], "provenance.json")["sources"]
    assert source["missing"] == []


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"origin": "Some rows of the Republic of Nowhere"}, "licence"),
        ({"collected": "recently"}, "when it was collected"),
        ({"collected": None}, "when it was collected"),
        ({"sha256": "0" * 64}, "digest"),
        ({"sha256": None}, "digest"),
    ],
)
def test_what_a_record_lacks_is_named(tmp_path: Path, change: dict[str, Any], lacks: str) -> None:
    measurement, _ = measured(tmp_path, {"test": COMPLETE | change, "train": COMPLETE})
    assert float(metric(measurement, "records_with_provenance").value) == 0.5
    assert codes(measurement) == ["record-incomplete"]
    assert lacks in measurement.warnings[0].text.en


@pytest.mark.parametrize(
    "origin", ["采集自示例医院，已获伦理批准", "自有设备采集", "Apache-2.0", "CC-BY-4.0", "own sensors"]
)
def test_rights_are_read_in_both_languages(tmp_path: Path, origin: str) -> None:
    generated = {key: value for key, value in COMPLETE.items() if key != "collected"} | {"synthetic": True}
    assert metric(measured(tmp_path, {"test": generated | {"origin": origin}})[0], "records_with_provenance").value == 1


def test_without_data_there_is_no_record(tmp_path: Path) -> None:
    model = onnx.linear_classifier(np.zeros((1, 2), np.float32), np.zeros(2, np.float32))
    description = describe(columns=["a"], format_="onnx", file="model.onnx")
    with pytest.raises(UnavailableError):
        provenance.function(make(tmp_path, description, {"model.onnx": model}), Parameters(), InProcessRun())
