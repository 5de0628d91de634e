"""`model.format_scan` on real folders: what it counts, what it writes down, and that its own controls hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checks.running import InProcessRun
from tests.system import onnx_writer
from tests.system.made import describe, make
from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity.format_scan import MOST_NOTES, format_scan
from touchstone.errors import UnavailableError

HARMLESS = b"\x80\x04}\x8c\x01w]K\x01as."
CALL = b"cos\nsystem\n(S'id'\ntR."


def _measure(folder: Path, files: dict[str, bytes]) -> tuple[Measurement, InProcessRun]:
    first, *more = files
    description = describe(columns=["a", "b"], format_="onnx", file=first, more_files=more)
    run = InProcessRun()
    subject = make(folder, description, files)
    return format_scan.function(subject, format_scan.parameters(), run), run


def _values(measurement: Measurement) -> dict[str, int]:
    return {metric.id: int(metric.value) for metric in measurement.metrics}


def _onnx(*initialisers: bytes) -> bytes:
    node = onnx_writer.block(1, onnx_writer.node("Relu", ["x"], ["y"]))
    graph = node + b"".join(onnx_writer.block(5, tensor) for tensor in initialisers)
    opset = onnx_writer.block(8, onnx_writer.number(2, 17))
    return onnx_writer.number(1, 8) + onnx_writer.block(7, graph) + opset


def test_clean_model(tmp_path: Path) -> None:
    measurement, run = _measure(tmp_path, {"model.onnx": _onnx(), "labels.csv": b"a,b\n1,2\n"})
    assert _values(measurement) == {"executable_constructs": 0, "files_not_understood": 0, "unsafe_format_files": 0}
    assert measurement.warnings == ()
    assert all(metric.n == 2 for metric in measurement.metrics)
    assert run.fraction == 1.0


def test_constructs_are_counted_and_shown_in_both_languages(tmp_path: Path) -> None:
    measurement, run = _measure(tmp_path, {"model.pkl": CALL, "more/pre.pkl": HARMLESS})
    assert _values(measurement) == {"executable_constructs": 1, "files_not_understood": 0, "unsafe_format_files": 2}
    note = measurement.warnings[0]
    assert note.code == "pickle-dangerous-call"
    assert note.text.en.startswith("model.pkl, byte 19: os.system('id')")
    assert "第 19 字节" in note.text.zh
    assert "os.system('id')" in note.text.zh
    findings = json.loads(run.kept["findings.json"])
    assert canonical_json(findings) == run.kept["findings.json"]
    assert findings["files"][0]["findings"][0]["shown"] == "os.system('id')"
    assert [file["path"] for file in findings["files"]] == ["model.pkl", "more/pre.pkl"]


def test_files_that_are_not_understood_are_counted(tmp_path: Path) -> None:
    measurement, _ = _measure(tmp_path, {"model.gguf": b"GGUF\x03\x00\x00\x00" + bytes(9), "a.pkl": HARMLESS[:-1]})
    assert _values(measurement)["files_not_understood"] == 2
    assert {note.code for note in measurement.warnings} == {"file-not-understood"}


def test_weights_beside_a_graph_are_raw_tensors(tmp_path: Path) -> None:
    model = _onnx(onnx_writer.external_tensor("w", "weights.bin"))
    weights = bytes([1, 2, 3, 250] * 10)
    given, _ = _measure(tmp_path / "given", {"net/model.onnx": model, "net/weights.bin": weights})
    assert _values(given)["files_not_understood"] == 0
    missing, _ = _measure(tmp_path / "missing", {"net/model.onnx": model})
    assert _values(missing)["files_not_understood"] == 1
    assert "net/model.onnx: needs weights.bin" in missing.warnings[0].text.en


def test_controls_hold(tmp_path: Path) -> None:
    measurement, _ = _measure(tmp_path, {"model.onnx": _onnx()})
    assert {control.kind: control.passed for control in measurement.controls} == {"planted": True, "null": True}
    planted = next(control for control in measurement.controls if control.kind == "planted")
    assert "os.system" in planted.seen.en
    assert "timeit.timeit" in planted.seen.en


def test_many_findings_are_all_in_the_exhibit(tmp_path: Path) -> None:
    files = {f"model-{number}.pkl": CALL for number in range(MOST_NOTES + 5)}
    measurement, run = _measure(tmp_path, files)
    assert len(measurement.warnings) == MOST_NOTES + 1
    assert len(json.loads(run.kept["findings.json"])["files"]) == MOST_NOTES + 5
    assert _values(measurement)["executable_constructs"] == MOST_NOTES + 5


def test_a_pickle_under_another_name_is_found_by_its_neighbours(tmp_path: Path) -> None:
    measurement, _ = _measure(tmp_path, {"model.onnx": HARMLESS})
    assert {note.code for note in measurement.warnings} == {"repository-disguised-pickle"}


def test_a_service_has_no_files_to_scan(tmp_path: Path) -> None:
    description = describe(
        columns=["a"], format_="http", access="probabilities", endpoint="http://127.0.0.1:1", endpoint_model="m"
    )
    subject = make(tmp_path, description, {})
    with pytest.raises(UnavailableError):
        format_scan.function(subject, format_scan.parameters(), InProcessRun())


def test_same_bytes_twice(tmp_path: Path) -> None:
    first, first_run = _measure(tmp_path / "a", {"model.onnx": CALL})
    second, second_run = _measure(tmp_path / "b", {"model.onnx": CALL})
    assert first == second
    assert first_run.kept == second_run.kept


def test_metrics_are_those_declared(tmp_path: Path) -> None:
    measurement, _ = _measure(tmp_path, {"model.onnx": _onnx()})
    assert [(m.id, m.unit, m.better) for m in measurement.metrics] == [
        (m.id, m.unit, m.better) for m in format_scan.metrics
    ]
