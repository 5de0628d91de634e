"""`touchstone bundle`: packing, unpacking and redacting from the command line, in both languages."""

from pathlib import Path

import pytest

from tests.cli.program import run
from tests.evidence.made import Laboratory
from touchstone.evidence.bundle import Bundle, BundleWriter
from touchstone.evidence.layout import EVIDENCE_FOLDER

ROWS = "exhibits/rows.csv"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("laboratory")
    return Laboratory.in_folder(folder / "keys").assess(folder / "out")


@pytest.fixture
def personal(tmp_path: Path) -> Path:
    """A bundle with an entry that speaks of persons."""
    with BundleWriter(tmp_path / "evidence") as bundle:
        bundle.add("facts.json", "application/json", b"{}", role="facts")
        bundle.add(ROWS, "text/csv", b"li,3", role="exhibit", disclosure="restricted")
    return tmp_path / "evidence"


@pytest.mark.parametrize("name", ["one.zip", "one.tar"])
def test_packed_and_unpacked(capsys: pytest.CaptureFixture[str], out: Path, tmp_path: Path, name: str) -> None:
    digest = Bundle.open(out / EVIDENCE_FOLDER).manifest_digest
    assert run(capsys, "bundle", "pack", out, "--output", tmp_path / name).out == f"evidence {digest}\n"
    assert run(capsys, "bundle", "unpack", tmp_path / name, "--output", tmp_path / "again").out.endswith(f"{digest}\n")
    assert (tmp_path / "again" / "plan.dsse.json").read_bytes() == (out / "plan.dsse.json").read_bytes()


def test_a_redacted_copy_names_what_it_goes_without(
    capsys: pytest.CaptureFixture[str], personal: Path, tmp_path: Path
) -> None:
    redact = ("bundle", "redact", personal, "--withhold", "exhibit", "--output")
    english = run(capsys, *redact, tmp_path / "copy.zip").out
    assert english.startswith(f"withheld {ROWS} (sha256:")
    assert english.endswith(f"evidence {Bundle.open(personal).manifest_digest}\n")
    assert f"不予披露 {ROWS}（sha256:" in run(capsys, "--lang", "zh", *redact, tmp_path / "copy").out


def test_what_is_public_cannot_be_withheld(capsys: pytest.CaptureFixture[str], out: Path, tmp_path: Path) -> None:
    finished = run(capsys, "bundle", "redact", out, "--withhold", "profile", "--output", tmp_path / "copy.zip")
    assert finished.code == 2
    assert "profile: is public" in finished.err
    assert not (tmp_path / "copy.zip").exists()


def test_statements_travel_with_a_redacted_copy(
    capsys: pytest.CaptureFixture[str], personal: Path, tmp_path: Path
) -> None:
    (tmp_path / "plan.dsse.json").write_bytes(b"signed")
    assert run(capsys, "bundle", "redact", tmp_path, "--withhold", ROWS, "--output", tmp_path / "copy.tar").code == 0
    assert [item.name for item in Bundle.open(tmp_path / "copy.tar").attachments] == [
        "plan.dsse.json",
        "redaction.json",
    ]


def test_a_layout_from_elsewhere_is_adopted(capsys: pytest.CaptureFixture[str], personal: Path, tmp_path: Path) -> None:
    (personal / "index.json").write_bytes((personal / "index.json").read_bytes() + b"\n")
    assert run(capsys, "bundle", "pack", personal, "--output", tmp_path / "one.zip").code == 2
    assert run(capsys, "bundle", "adopt", personal, "--output", tmp_path / "one.zip").code == 0
    assert Bundle.open(tmp_path / "one.zip").check() == ()


def test_wrong_input_is_a_clear_error(capsys: pytest.CaptureFixture[str], personal: Path, tmp_path: Path) -> None:
    assert run(capsys, "bundle", "pack", personal, "--output", tmp_path / "one.rar").code == 2
    assert run(capsys, "bundle", "pack", tmp_path / "nowhere", "--output", tmp_path / "one.zip").code == 2
    finished = run(capsys, "--lang", "zh", "bundle", "redact", personal, "--withhold", "x", "--output", tmp_path / "c")
    assert (finished.code, "不是该证据包的条目或角色" in finished.err) == (2, True)
