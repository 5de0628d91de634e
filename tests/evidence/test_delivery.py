"""One file carries everything: packed and unpacked, the output folder is the same, and so is the evidence digest."""

from pathlib import Path

import pytest

from tests.evidence.made import ISSUED, Laboratory
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle, BundleWriter, attach
from touchstone.evidence.delivery import beside, is_output_folder, laid_out, unpack, with_attached, write_files
from touchstone.evidence.layout import CHECKPOINT, EVIDENCE_FOLDER
from touchstone.evidence.redaction import redacted
from touchstone.evidence.verification import Verification
from touchstone.evidence.verify import verify

JSON = "application/json"


@pytest.fixture
def out(laboratory: Laboratory, tmp_path: Path) -> Path:
    return laboratory.assess(tmp_path / "out")


def packed(out: Path, name: str) -> Path:
    write_files(with_attached(Bundle.open(out / EVIDENCE_FOLDER), beside(out)), out.with_name(name))
    return out.with_name(name)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["one.zip", "one.tar", "one"])
def test_an_archive_carries_every_statement_and_receipt(out: Path, name: str) -> None:
    bundle = Bundle.open(packed(out, name))
    assert bundle.check() == ()
    assert bundle.manifest_digest == Bundle.open(out / EVIDENCE_FOLDER).manifest_digest
    assert {item.name: bundle.read_attached(item) for item in bundle.attachments} == beside(out)
    assert {"plan.dsse.json", "certificate.dsse.json", "receipts/plan.tlog-proof", CHECKPOINT} <= set(beside(out))
    kinds = {item.name: item.artifact_type for item in bundle.attachments}
    assert kinds["plan.dsse.json"] == "application/vnd.dsse.envelope.v1+json"


@pytest.mark.parametrize("name", ["one.zip", "one.tar"])
def test_unpacking_gives_the_folder_back(out: Path, tmp_path: Path, name: str) -> None:
    unpack(Bundle.open(packed(out, name)), tmp_path / "again")
    derived = {"assessment.json", "report.en.html"}
    assert files_of(tmp_path / "again") == {
        path: content for path, content in files_of(out).items() if path not in derived
    }
    assert packed(tmp_path / "again", f"again-{name}").read_bytes() == packed(out, f"second-{name}").read_bytes()


def test_packing_an_archive_again_replaces_what_has_changed_beside(out: Path) -> None:
    first = Bundle.open(packed(out, "first"))
    assert with_attached(first, beside(out)) == first.files()
    renewed = with_attached(first, {CHECKPOINT: b"renewed"})
    bundle = Bundle.of_files(renewed, "renewed")
    assert bundle.check() == ()
    assert [bundle.read_attached(item) for item in bundle.attachments if item.name == CHECKPOINT] == [b"renewed"]


def test_what_does_not_belong_beside_the_evidence_stays_attached(out: Path, tmp_path: Path) -> None:
    evidence = out / EVIDENCE_FOLDER
    for name in ("evidence/index.json", "report.en.html", "notes.json"):
        attach(evidence, JSON, b"1", "application/vnd.example.note.v1+json", name=name)
    unpack(Bundle.open(packed(out, "one.zip")), tmp_path / "again")
    assert Bundle.open(tmp_path / "again" / EVIDENCE_FOLDER).check() == ()
    assert not (tmp_path / "again" / "report.en.html").exists()


def test_two_attachments_of_one_name_cannot_be_unpacked(out: Path, tmp_path: Path) -> None:
    for content in (b"1", b"2"):
        attach(out / EVIDENCE_FOLDER, JSON, content, "application/vnd.example.note.v1+json", name="x.dsse.json")
    with pytest.raises(EvidenceError, match="two attachments of the same name"):
        unpack(Bundle.open(out / EVIDENCE_FOLDER), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_attachments_that_cannot_both_be_files_are_refused(out: Path, tmp_path: Path) -> None:
    for name in ("receipts/x", "receipts/x/y"):
        attach(out / EVIDENCE_FOLDER, JSON, b"1", "application/vnd.example.note.v1+json", name=name)
    with pytest.raises(EvidenceError, match="a file and a folder"):
        unpack(Bundle.open(out / EVIDENCE_FOLDER), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_nothing_is_unpacked_over_something(out: Path) -> None:
    with pytest.raises(EvidenceError, match="exists already"):
        unpack(Bundle.open(out / EVIDENCE_FOLDER), out)


def test_links_and_odd_names_beside_the_evidence_are_refused(out: Path) -> None:
    (out / "receipts" / "link.tlog-proof").symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError, match="is a link"):
        beside(out)
    (out / "receipts" / "link.tlog-proof").rename(out / "receipts" / "证.tlog-proof")
    with pytest.raises(EvidenceError, match="no bundle takes"):
        beside(out)


def test_an_output_folder_is_known_by_its_evidence(out: Path, tmp_path: Path) -> None:
    assert is_output_folder(out)
    with BundleWriter(tmp_path / "alone") as bundle:
        bundle.add("facts.json", JSON, b"{}", role="facts")
    assert not is_output_folder(tmp_path / "alone")


def verified(laboratory: Laboratory, path: Path) -> Verification:
    with laid_out(path) as place:
        return verify(place, key=laboratory.public, log_key=laboratory.log_public, at=ISSUED)


@pytest.mark.parametrize("name", ["one.zip", "one.tar"])
def test_an_archive_alone_verifies(laboratory: Laboratory, out: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "alone").mkdir()
    archive = packed(out, name).rename(tmp_path / "alone" / name)
    verification = verified(laboratory, archive)
    assert verification.ok
    assert verification.kind == "certificate"
    assert verification.proves == verified(laboratory, out).proves


def test_a_damaged_archive_is_refused_and_its_part_is_named(laboratory: Laboratory, out: Path) -> None:
    archive = packed(out, "one.tar")
    data, found = archive.read_bytes(), b'"accuracy"'
    archive.write_bytes(data.replace(found, b'"accurary"', 1))
    verification = verified(laboratory, archive)
    assert not verification.ok
    assert any("one.tar:blobs/sha256/" in (step.file or "") for step in verification.steps if step.status == "failed")


def test_withheld_is_stated_and_missing_is_refused(tmp_path: Path) -> None:
    laboratory = Laboratory.in_folder(tmp_path / "laboratory")
    out = laboratory.assess(tmp_path / "out")
    bundle = Bundle.open(out / EVIDENCE_FOLDER)
    copy = Bundle.of_files(redacted(bundle, ["exhibit"]), "copy")
    write_files(with_attached(copy, beside(out)), tmp_path / "copy.tar")
    verification = verified(laboratory, tmp_path / "copy.tar")
    assert verification.ok
    (stated,) = [step for step in verification.steps if step.id == "disclosure"]
    assert "exhibits/rows.csv" in stated.text.en
    (out / EVIDENCE_FOLDER / bundle.entry("exhibits/rows.csv").blob).unlink()
    refused = verified(laboratory, out)
    assert not refused.ok
    assert [step.names for step in refused.steps if step.status == "failed"] == [("exhibits/rows.csv",)]
