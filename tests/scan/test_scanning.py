"""One call from paths to a result: complete, in order, the same each time."""

from __future__ import annotations

import math
import os
import struct
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from touchstone.errors import UserError
from touchstone.scan import ScanOptions, scan
from touchstone.scan.allow_file import read_allow_file
from touchstone.scan.signed import SignedFiles
from touchstone.scan.walk import ScanError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "docs").mkdir(parents=True)
    (folder / "README.txt").write_text("A model.\n")
    (folder / "docs" / "notes.txt").write_text("Notes.\n")
    (folder / "out").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    return folder


def test_every_file_has_one_result_in_the_order_of_the_paths(model: Path) -> None:
    result = scan(model)
    assert [(file.path, file.verdict) for file in result.files] == [
        ("README.txt", "clean"),
        ("docs/notes.txt", "clean"),
        ("out", "review"),
        ("pipe", "incomplete"),
    ]
    assert result.verdict == "review"
    assert result.files[0].sha256 == sha256(b"A model.\n").hexdigest()


def test_the_same_files_give_the_same_result_wherever_they_lie_and_however_many_workers(
    model: Path, tmp_path: Path
) -> None:
    first = scan(model, ScanOptions(jobs=1))
    model.rename(tmp_path / "elsewhere")
    assert scan([tmp_path / "elsewhere"], ScanOptions(jobs=4)) == first


def test_a_watcher_hears_of_every_file(model: Path) -> None:
    heard: list[tuple[int, int]] = []
    scan(model, watcher=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 2), (2, 2)]


def test_tensors_have_digests_when_they_are_wanted(tmp_path: Path) -> None:
    header = b'{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\x00\x00\x80\x3f")
    (without,) = scan(tmp_path).files[0].tensors
    (with_digest,) = scan(tmp_path, ScanOptions(tensors=True)).files[0].tensors
    assert (without.name, without.sha256) == ("weight", "")
    assert with_digest.sha256 == sha256(b"\x00\x00\x80\x3f").hexdigest()


def test_weights_are_inspected_when_that_is_wanted_and_what_is_seen_is_information(tmp_path: Path) -> None:
    message = b"attack at dawn, and bring the keys of the castle, all of them"
    data = bytearray(struct.pack("<20000f", *(0.02 * math.sin(number * number) for number in range(20_000))))
    data[: 4 * len(message) : 4] = message
    header = b'{"weight":{"dtype":"F32","shape":[20000],"data_offsets":[0,80000]}}'
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)
    assert scan(tmp_path).files[0].findings == ()
    (file,) = scan(tmp_path, ScanOptions(inspect_tensors=True)).files
    assert [finding.rule for finding in file.findings] == ["tensor/text-in-low-bits"]
    assert file.verdict == "clean"


def test_packages_are_looked_up_and_the_result_says_in_what(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.5.0\n")
    result = scan(tmp_path)
    assert any(finding.rule.startswith("dependencies/") for finding in result.files[0].findings)
    assert len(result.advisories_sha256) == 64
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    assert scan(tmp_path).advisories_sha256 == ""


def test_what_is_allowed_is_set_apart(model: Path, tmp_path: Path) -> None:
    (tmp_path / "allow.yaml").write_text(
        "schema: touchstone.allow/v1\nallow:\n"
        "  - {rule: link/leads-out, where: out, reason: ours, expires: 2027-01-31}\n"
        "  - {gap: unopened, where: '*', reason: ours, expires: 2027-01-31}\n"
    )
    options = ScanOptions(allow=read_allow_file(tmp_path / "allow.yaml"), today=date(2026, 11, 26))
    assert [file.verdict for file in scan(model, options).files] == ["clean", "clean", "accepted", "accepted"]


def test_files_are_compared_with_those_that_were_signed(model: Path) -> None:
    digests = {
        "README.txt": sha256(b"Another model.\n").hexdigest(),
        "gone.bin": sha256(b"").hexdigest(),
        "out": sha256(b"").hexdigest(),
    }
    result = scan(model, ScanOptions(signed=SignedFiles(digests, left_out={"docs"})))
    assert {file.path: [finding.rule for finding in file.findings] for file in result.files} == {
        "README.txt": ["signature/changed"],
        "docs/notes.txt": ["signature/left-out"],
        "gone.bin": ["signature/missing"],
        "out": ["link/leads-out"],
        "pipe": ["signature/not-signed"],
    }
    assert [gap.code for gap in result.files[3].gaps] == ["unopened", "absent"]
    assert {file.path: file.verdict for file in result.files}["docs/notes.txt"] == "clean"


def test_a_model_that_is_one_file_is_compared_whatever_it_is_called(model: Path) -> None:
    signed = SignedFiles({".": sha256(b"A model.\n").hexdigest()})
    assert scan(model / "README.txt", ScanOptions(signed=signed)).verdict == "clean"
    assert scan(model / "docs" / "notes.txt", ScanOptions(signed=signed)).verdict == "unsafe"


def test_wrong_input_is_said_to_be_wrong(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="no/such: does not exist"):
        scan("no/such")
    with pytest.raises(ScanError, match="holds no files"):
        scan(tmp_path)
    with pytest.raises(UserError, match="at least one worker"):
        scan(tmp_path, ScanOptions(jobs=0))
