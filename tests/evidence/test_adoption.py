"""A layout that another tool wrote becomes, byte for byte, the bundle it was made from."""

import json
from pathlib import Path
from typing import Any

import pytest

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.adoption import adopted
from touchstone.evidence.bundle import Bundle, BundleWriter, attach, pack
from touchstone.evidence.delivery import write_files
from touchstone.evidence.layout import BLOBS, INDEX

JSON = "application/json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with BundleWriter(tmp_path / "evidence") as bundle:
        bundle.add("facts.json", JSON, b"[]", role="facts")
    for number in range(3):
        attach(tmp_path / "evidence", JSON, str(number).encode(), "application/vnd.in-toto+json", name=f"{number}.json")
    return tmp_path / "evidence"


def list_as_others_do(folder: Path, **changes: Any) -> None:
    """Another order, other fields, other white space."""
    index = json.loads((folder / INDEX).read_bytes())
    listed = [{"digest": item["digest"], "size": item["size"]} for item in reversed(index["manifests"])]
    (folder / INDEX).write_text(json.dumps({"schemaVersion": 2, "manifests": listed} | changes, indent=1))


def test_the_same_bundle_comes_back(folder: Path) -> None:
    before = pack(folder)
    list_as_others_do(folder)
    with pytest.raises(EvidenceError):
        Bundle.open(folder)
    write_files(adopted(folder), folder.with_name("again"))
    assert pack(folder.with_name("again")) == before


@pytest.mark.parametrize(
    "manifests",
    [
        [],
        "none",
        [{"digest": "sha256:../../../escaped"}],
        [{"digest": 7}],
        [{"size": 7}],
        [{"digest": "sha256:" + "0" * 64}],
        [{"digest": digest_of(b"[]")}],
        [7],
    ],
)
def test_a_hostile_index_is_a_clear_error(folder: Path, manifests: object) -> None:
    list_as_others_do(folder, manifests=manifests)
    with pytest.raises(EvidenceError):
        adopted(folder)


def test_a_changed_blob_is_refused(folder: Path) -> None:
    list_as_others_do(folder)
    (folder / BLOBS / digest_of(b"[]").removeprefix("sha256:")).write_bytes(b"{}")
    with pytest.raises(EvidenceError, match="was changed"):
        adopted(folder)
