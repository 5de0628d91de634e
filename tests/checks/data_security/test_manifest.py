"""`data.manifest` on real folders: a recorded digest must be the digest of the bytes that were handed in."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.checks.running import InProcessRun
from tests.system.made import data_set, describe, make
from touchstone.canonical import canonical_json, digest_of_json
from touchstone.checks.data_security.manifest import manifest
from touchstone.checks.declaration import Measurement
from touchstone.errors import UnavailableError

ROWS = b"a,b,y\n1,2,no\n3,4,yes\n"
SHA256 = hashlib.sha256(ROWS).hexdigest()


def _measure(folder: Path, data: dict[str, Any], files: dict[str, bytes]) -> tuple[Measurement, InProcessRun]:
    run = InProcessRun()
    description = describe(shape=[3, 2, 2], kind="image", format_="onnx", file="model.onnx", data=data)
    subject = make(folder, description, {"model.onnx": b"model", **files})
    return manifest.function(subject, manifest.parameters(), run), run


def _csv(path: str, sha256: str | None) -> dict[str, Any]:
    return data_set(path, "csv", target="y", **({} if sha256 is None else {"sha256": sha256}))


def test_all_match(tmp_path: Path) -> None:
    data = {"test": _csv("test.csv", SHA256), "train": _csv("train.csv", SHA256)}
    measurement, _ = _measure(tmp_path, data, {"test.csv": ROWS, "train.csv": ROWS})
    (metric,) = measurement.metrics
    assert (metric.id, metric.unit, metric.value, metric.n) == ("manifest_match", "share_of_files", Decimal(1), 2)
    assert measurement.warnings == ()


def test_a_changed_set_and_one_without_digest_count_as_not_matching(tmp_path: Path) -> None:
    data = {
        "test": _csv("test.csv", SHA256),
        "train": _csv("train.csv", SHA256),
        "reference": _csv("reference.csv", None),
    }
    files = {"test.csv": ROWS, "train.csv": ROWS.replace(b"1", b"2"), "reference.csv": ROWS}
    measurement, _ = _measure(tmp_path, data, files)
    assert measurement.metrics[0].value == Decimal("0.333333333")
    assert [note.code for note in measurement.warnings] == ["digest-differs", "digest-not-recorded"]
    for text in (measurement.warnings[1].text.en, measurement.warnings[1].text.zh):
        assert f"sha256: {SHA256}" in text


def test_a_folder_is_named_by_the_list_of_its_files(tmp_path: Path) -> None:
    files = {"images/no/1.png": b"\x89PNG\r\n\x1a\n1", "images/yes/1.png": b"\x89PNG\r\n\x1a\n2"}
    measurement, run = _measure(tmp_path, {"test": data_set("images", "image-folder")}, files)
    listing = [[name, "sha256:" + hashlib.sha256(content).hexdigest()] for name, content in sorted(files.items())]
    found = json.loads(run.kept["manifest.json"])["data"][0]["found"]
    assert found == digest_of_json(listing)
    assert found.removeprefix("sha256:") in measurement.warnings[0].text.en


def test_the_suggested_digest_is_accepted(tmp_path: Path) -> None:
    before, _ = _measure(tmp_path / "before", {"test": _csv("test.csv", None)}, {"test.csv": ROWS})
    suggested = before.warnings[0].text.en.rsplit("sha256: ", 1)[1].rstrip("`")
    after, _ = _measure(tmp_path / "after", {"test": _csv("test.csv", suggested)}, {"test.csv": ROWS})
    assert before.metrics[0].value == 0
    assert after.metrics[0].value == 1


def test_manifest_lists_every_file(tmp_path: Path) -> None:
    _, run = _measure(tmp_path, {"test": _csv("test.csv", SHA256)}, {"test.csv": ROWS})
    listing = json.loads(run.kept["manifest.json"])
    assert canonical_json(listing) == run.kept["manifest.json"]
    assert [file["path"] for file in listing["files"]] == ["model.onnx", "test.csv"]
    found = {"path": "test.csv", "size": len(ROWS), "digest": f"sha256:{SHA256}", "format": "csv"}
    assert listing["files"][1] == found
    assert listing["data"][0]["found"] == f"sha256:{SHA256}"


def test_controls_hold(tmp_path: Path) -> None:
    for content in (ROWS, b""):
        folder = tmp_path / str(len(content))
        measurement, _ = _measure(folder, {"test": _csv("test.csv", None)}, {"test.csv": content})
        assert {control.kind: control.passed for control in measurement.controls} == {"planted": True, "null": True}


def test_without_data_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        _measure(tmp_path, {}, {})
