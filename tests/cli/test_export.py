"""`touchstone export documents`: the documents that follow from a bundle, as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import run
from tests.evidence import made
from tests.evidence.projections.made import source, write_bundle
from touchstone.canonical import digest_of
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.certificate import decide
from touchstone.evidence.envelope import sign
from touchstone.evidence.projections import SIMPLE_VERIFICATION_RESULT, project_all
from touchstone.signatures.keys import generate, load_signing_key


@pytest.mark.parametrize("held", [True, False])
def test_documents_are_drawn_from_the_records(capsys: pytest.CaptureFixture[str], tmp_path: Path, held: bool) -> None:
    write_bundle(tmp_path / "out" / "evidence", source(), None if held else {})
    finished = run(capsys, "export", "documents", tmp_path / "out", "--output", tmp_path / "documents")
    assert finished.code == 0, finished.err
    written = {
        f"projections/{path.relative_to(tmp_path / 'documents').as_posix()}": path.read_bytes()
        for path in (tmp_path / "documents").rglob("*")
        if path.is_file()
    }
    assert written == project_all(source())
    assert len(finished.out.splitlines()) == len(written)


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_bundle(tmp_path / "evidence", source())
    (tmp_path / "documents").mkdir()
    finished = run(capsys, "--lang", "zh", "export", "documents", tmp_path, "--output", tmp_path / "documents")
    assert finished.code == 2
    assert "已存在" in finished.err


@pytest.mark.parametrize("matching", [True, False])
def test_a_certificate_of_this_evidence_becomes_a_verification_result(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, matching: bool
) -> None:
    out = tmp_path / "out"
    write_bundle(out / "evidence", source())
    certificate = decide(
        made.assessment(),
        made.PROFILE,
        assessment_envelope=digest_of(b"assessment"),
        evidence=Bundle.open(out / "evidence").manifest_digest if matching else digest_of(b"other"),
        holder="Example",
        issuer="Example Lab",
        issued=made.ISSUED,
    )
    generate(tmp_path / "lab.key", None)
    (out / "certificate.dsse.json").write_bytes(
        sign(certificate, load_signing_key(tmp_path / "lab.key", None)).to_bytes()
    )
    finished = run(capsys, "export", "documents", out, "--output", tmp_path / "documents")
    written = tmp_path / "documents" / "in-toto" / "svr.json"
    assert (finished.code, written.exists()) == ((0, True) if matching else (2, False)), finished.err
    if matching:
        assert json.loads(written.read_bytes())["predicateType"] == SIMPLE_VERIFICATION_RESULT
