"""`privacy.pii_scan`: planted information is found in every column, declared or not; the evidence gives none away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.data_security.test_document_texts import PARAGRAPHS, packed
from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import data_set, describe, make
from touchstone.canonical import parse_json
from touchstone.checks.data_security.pii_scan import RECORDS, pii_scan
from touchstone.checks.declaration import Measurement
from touchstone.errors import UnavailableError

ROWS = ["a,b,y,remark"] + [f"{n},{n + 1},no,routine" for n in range(97)]
PERSONAL = ["1,2,yes,患者李雷 电话13812345678", "3,4,no,id 11010519491231002X", "5,6,no,mail to x.y@example.com"]


def measured(
    folder: Path, rows: list[str], documents: dict[str, str] | None = None, **declared: Any
) -> tuple[Measurement, InProcessRun]:
    documents = documents or {}
    data = {"train": data_set("train.csv", "csv", target="y", **declared)}
    description = describe(columns=["a", "b"], format_="onnx", file="model.onnx", data=data)
    description["documents"] = [{"path": path, "controls": ["DS-03"], "title": "log"} for path in documents]
    files = {"model.onnx": b"model", "train.csv": "\n".join(rows).encode()}
    files |= {path: text.encode() for path, text in documents.items()}
    run = InProcessRun()
    return pii_scan.function(make(folder, description, files), pii_scan.parameters(), run), run


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    measurement, _ = measured(tmp_path, ROWS)
    rate = metric(measurement, "undeclared_pi_rate")
    assert (rate.value, rate.low, rate.high, rate.method, rate.n) == (0, 0, 0, "exact", 98)
    assert metric(measurement, "undeclared_spi_records").value == 0
    assert all(control.passed for control in measurement.controls)


def test_a_column_the_model_does_not_use_is_searched_too(tmp_path: Path) -> None:
    measurement, run = measured(tmp_path, [*ROWS, *PERSONAL])
    assert metric(measurement, "undeclared_spi_records").value == 1
    assert float(metric(measurement, "undeclared_pi_rate").value) == pytest.approx(3 / 101)
    assert codes(measurement) == ["undeclared-kinds"]
    report = parse_json(run.kept["pii_scan_report.json"], "report")
    assert {row["kind"] for row in report["found"]} == {"name-zh-labelled", "phone-cn", "resident-id", "email"}
    assert {row["column"] for row in report["found"]} == {"remark"}


def test_the_evidence_shows_shapes_only(tmp_path: Path) -> None:
    measurement, run = measured(tmp_path, [*ROWS, *PERSONAL])
    written = run.kept["pii_scan_report.json"].decode() + str(measurement)
    for secret in ("李雷", "13812345678", "11010519491231002X", "x.y@example.com"):
        assert secret not in written
    assert "99999999999" in written


def test_declared_kinds_are_no_finding(tmp_path: Path) -> None:
    kinds = ["name", "phone", "email", "resident-id"]
    measurement, run = measured(tmp_path, [*ROWS, *PERSONAL], personal_information=kinds)
    assert metric(measurement, "undeclared_pi_rate").value == 0
    assert all(row["declared"] for row in parse_json(run.kept["pii_scan_report.json"], "report")["found"])


def test_logs_are_searched_line_by_line_and_what_is_no_text_is_named(tmp_path: Path) -> None:
    documents = {
        "service.log": "start\nlogin li@example.com\n",
        "scan.pdf": "%PDF",
        "chat.jsonl": '{"a":{"b":["+44 20 7946 0958"]}}\n',
    }
    measurement, run = measured(tmp_path, ROWS, documents)
    found = parse_json(run.kept["pii_scan_report.json"], "report")["found"]
    assert {(row["file"], row["column"], row["kind"]) for row in found} == {
        ("service.log", "", "email"),
        ("chat.jsonl", "a.b[0]", "phone-international"),
    }
    assert codes(measurement) == ["not-searched", "undeclared-kinds"]


def test_a_column_whose_name_stands_twice_is_not_lost(tmp_path: Path) -> None:
    _, run = measured(tmp_path, ["y,y", "li@example.com,no"])
    [row] = parse_json(run.kept["pii_scan_report.json"], "report")["found"]
    assert (row["column"], row["kind"]) == ("column 1", "email")


def test_a_sample_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECORDS, "quick", 50)
    measurement, _ = measured(tmp_path, ROWS)
    rate = metric(measurement, "undeclared_pi_rate")
    assert (rate.value, rate.n, rate.method) == (0, 50, "clopper-pearson")
    assert float(rate.high or 0) == pytest.approx(1 - 0.05 ** (1 / 50))


def test_without_any_text_nothing_is_tested(tmp_path: Path) -> None:
    description = describe(shape=[3, 2, 2], kind="image", format_="onnx", file="model.onnx")
    subject = make(tmp_path, description, {"model.onnx": b"model"})
    with pytest.raises(UnavailableError, match="no text"):
        pii_scan.function(subject, pii_scan.parameters(), InProcessRun())


def test_documents_of_an_office_are_searched(tmp_path: Path) -> None:
    data = {"train": data_set("train.csv", "csv", target="y")}
    description = describe(columns=["a", "b"], format_="onnx", file="model.onnx", data=data)
    paths = ("minutes.docx", "scan.jpg", "broken.docx")
    description["documents"] = [{"path": path, "controls": ["DS-03"], "title": "minutes"} for path in paths]
    files = {"model.onnx": b"model", "train.csv": "\n".join(ROWS).encode(), "broken.docx": b"PK", "scan.jpg": b"\xff"}
    files["minutes.docx"] = packed(word__document=PARAGRAPHS)
    run = InProcessRun()
    measurement = pii_scan.function(make(tmp_path, description, files), pii_scan.parameters(), run)
    assert codes(measurement) == ["not-searched", "not-searched", "undeclared-kinds"]
    report = parse_json(run.kept["pii_scan_report.json"], "report")
    assert {row["file"] for row in report["found"]} == {"minutes.docx"}
    assert report["not_searched"] == ["broken.docx", "scan.jpg"]
