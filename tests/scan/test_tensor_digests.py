"""Tensors are hashed where they lie, and what two models share is told from their digests."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import zipfile
from pathlib import Path

import pytest

from tests.scan.formats.test_safetensors import entry, safetensors
from touchstone.scan.file import scan_file
from touchstone.scan.findings import FileResult
from touchstone.scan.tensor_digests import Change, digest_tensors, lineage, lineage_of_tables
from touchstone.scan.tensor_tables import TensorTableError, read_table, table_document

SIZE = 8192
RANDOM = random.Random(3)  # noqa: S311 - test data
WEIGHTS = [RANDOM.randbytes(SIZE) for _ in range(4)]
ONES = struct.pack("<f", 1.0) * (SIZE // 4)


def model(folder: Path, name: str, **tensors: bytes) -> FileResult:
    """Scan and digest a file of the tensors."""
    header, data = {}, b""
    for tensor, content in tensors.items():
        header[tensor] = entry(len(data), len(data) + len(content), "F32", [len(content) // 4])
        data += content
    path = folder / name
    path.write_bytes(safetensors(header, data))
    return digest_tensors(path, scan_file(path, name))


def test_each_tensor_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    result = model(tmp_path, "a", first=WEIGHTS[0], second=WEIGHTS[1], small=bytes(4))
    assert {tensor.name: tensor.sha256 for tensor in result.tensors} == {
        "first": hashlib.sha256(WEIGHTS[0]).hexdigest(),
        "second": hashlib.sha256(WEIGHTS[1]).hexdigest(),
        "small": hashlib.sha256(bytes(4)).hexdigest(),
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_tensors_in_archives_are_hashed_unless_they_are_compressed(tmp_path: Path, method: int) -> None:
    inner = safetensors({"a": entry(0, SIZE, "F32", [SIZE // 4])}, WEIGHTS[0])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("model.safetensors", inner)
    path = tmp_path / "a.zip"
    path.write_bytes(file.getvalue())
    (tensor,) = digest_tensors(path, scan_file(path, "a.zip")).tensors
    expected = hashlib.sha256(WEIGHTS[0]).hexdigest() if method == zipfile.ZIP_STORED else ""
    assert tensor.sha256 == expected


def test_a_file_that_changed_gets_no_digests(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(safetensors({"a": entry(0, 4)}, b"four"))
    result = scan_file(path, "a")
    path.write_bytes(safetensors({"a": entry(0, 4)}, b"more"))
    changed = digest_tensors(path, result)
    assert [gap.code for gap in changed.gaps] == ["changed"]
    assert changed.verdict == "incomplete"
    assert [tensor.sha256 for tensor in changed.tensors] == [""]


def test_the_same_weights_under_other_names_are_the_same_model(tmp_path: Path) -> None:
    first = model(tmp_path, "a", x=WEIGHTS[0], y=WEIGHTS[1])
    second = model(tmp_path, "b", q=WEIGHTS[1], p=WEIGHTS[0], extra=ONES)
    found = lineage(first, second)
    assert (found.relation, found.share_of_first, found.share_of_second) == ("same", 1.0, 1.0)


def test_a_model_that_was_trained_further_shares_what_was_frozen(tmp_path: Path) -> None:
    elder = model(tmp_path, "a", frozen=WEIGHTS[0], head=WEIGHTS[1], gone=WEIGHTS[2])
    younger = model(tmp_path, "b", frozen=WEIGHTS[0], head=WEIGHTS[3] + bytes(4), new=WEIGHTS[3])
    found = lineage(elder, younger)
    assert found.relation == "shared"
    assert found.equal == ("frozen",)
    assert found.changed == (Change("head", "F32[2048]", "F32[2049]"),)
    assert (found.only_first, found.only_second) == (("gone",), ("new",))
    assert found.share_of_first == pytest.approx(1 / 3)


def test_what_any_two_models_share_tells_nothing(tmp_path: Path) -> None:
    first = model(tmp_path, "a", zeros=bytes(SIZE), ones=ONES, small=WEIGHTS[2][:400], own=WEIGHTS[0])
    second = model(tmp_path, "b", zeros=bytes(SIZE), ones=ONES, small=WEIGHTS[2][:400], own=WEIGHTS[1])
    assert lineage(first, second).relation == "none"


def test_a_table_of_digests_stands_for_a_model(tmp_path: Path) -> None:
    result = model(tmp_path, "a", x=WEIGHTS[0], y=WEIGHTS[1])
    table = read_table(json.dumps(table_document("elder", result.tensors)).encode(), "table.json")
    assert table.model == "elder"
    assert lineage_of_tables(result.tensors, table.tensors).relation == "same"


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"model": "a"}',
        b'{"model": 1, "tensors": []}',
        b'{"model": "a", "tensors": [{"name": "a", "dtype": "F32", "shape": [-1], "bytes": 4, "sha256": "x"}]}',
    ],
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(TensorTableError, match=r"table\.json"):
        read_table(content, "table.json")
