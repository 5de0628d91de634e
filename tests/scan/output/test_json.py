"""The JSON holds everything, fits its published schema, and is the same bytes for the same result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.scan.made import every_kind, file, result
from tests.scan.output.documents import hub_folder
from touchstone.canonical import canonical_json
from touchstone.scan.findings import FileResult, ScanResult
from touchstone.scan.output.json import scan_document, to_json
from touchstone.scan.plain import MisshapenError, restored

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "reference" / "scan.schema.json").read_text("utf-8"))
RESULTS = (every_kind(), result(*hub_folder()), result(), result(file("模型.bin")))


@pytest.mark.parametrize("scanned", RESULTS)
def test_it_fits_its_schema(scanned: ScanResult) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(to_json(scanned)))


@pytest.mark.parametrize("field", ["verdict", "files", "coverage", "symbols_sha256"])
def test_the_schema_notices_what_is_missing(field: str) -> None:
    document = json.loads(to_json(every_kind()))
    del document[field]
    assert not Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize("scanned", RESULTS)
def test_the_bytes_are_canonical(scanned: ScanResult) -> None:
    assert to_json(scanned) == canonical_json(scan_document(scanned)) + b"\n"


def test_every_file_can_be_restored_from_it() -> None:
    for written, original in zip(json.loads(to_json(every_kind()))["files"], every_kind().files, strict=True):
        assert written.pop("verdict") == original.verdict
        assert restored(FileResult, written) == original


@pytest.mark.parametrize(
    "change",
    [
        {"size": "100"},
        {"size": True},
        {"size": -2},
        {"size": 1.5},
        {"path": "a\x1bb"},
        {"path": "x" * 10_000},
        {"findings": {}},
        {"findings": [{}]},
        {"allowed": [{"item": {}, "reason": "", "by": "", "expires": ""}]},
        {"more": 1},
    ],
)
def test_what_does_not_fit_is_not_restored(change: dict[str, object]) -> None:
    written = json.loads(to_json(result(file("x"))))["files"][0]
    del written["verdict"]
    with pytest.raises(MisshapenError):
        restored(FileResult, written | change)


def test_the_rules_of_all_findings_come_with_it() -> None:
    document = json.loads(to_json(every_kind()))
    assert list(document["rules"]) == ["link/leads-out"]
    assert document["coverage"] == {
        "files": 5,
        "bytes": 500,
        "complete": 2,
        "verdicts": {"unsafe": 1, "review": 1, "incomplete": 1, "accepted": 1, "clean": 1},
        "gaps": {"format": 2, "limit": 1},
    }
