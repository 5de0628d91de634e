"""A laboratory that signs a document which contradicts its own records is found out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.building import prediction_system
from tests.evidence.projections.made import source, write_bundle
from touchstone.api import assess
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.envelope import sign
from touchstone.evidence.layout import EVIDENCE_FOLDER, Role, StatementName
from touchstone.evidence.projections import project_all, source_of
from touchstone.evidence.statement import assessment_statement
from touchstone.evidence.verification import Verification
from touchstone.evidence.verify import verify
from touchstone.signatures.keys import generate, load_signing_key

NAME = "projections/oscal/assessment-results.json"


def verified(folder: Path, documents: dict[str, bytes]) -> Verification:
    """A bundle with these documents, properly signed, then verified."""
    records = source()
    write_bundle(folder / EVIDENCE_FOLDER, records, documents)
    generate(folder / "lab.key", None)
    key = load_signing_key(folder / "lab.key", None)
    bundle = Bundle.open(folder / EVIDENCE_FOLDER)
    statement = assessment_statement(
        records.assessment, evidence=bundle.manifest_digest, reproducible=bundle.manifest.reproducible
    )
    (folder / StatementName.ASSESSMENT.file).write_bytes(sign(statement, key).to_bytes())
    return verify(folder / EVIDENCE_FOLDER, key=key.public, at=datetime(2026, 11, 24, tzinfo=UTC))


def test_documents_that_follow_from_the_records_are_good(tmp_path: Path) -> None:
    verification = verified(tmp_path, project_all(source()))
    assert verification.ok
    assert verification.passed("projections")


@pytest.mark.parametrize("lie", [(b"not-satisfied", b"satisfied"), (b'"fail"', b'"pass"')])
def test_a_signed_document_that_contradicts_the_records_is_refused(tmp_path: Path, lie: tuple[bytes, bytes]) -> None:
    documents = project_all(source())
    documents[NAME] = documents[NAME].replace(*lie)
    verification = verified(tmp_path, documents)
    assert not verification.ok
    failed = [step for step in verification.steps if step.status == "failed"]
    assert [(step.id, step.names) for step in failed] == [("projections", (NAME,))]


def test_a_bundle_without_documents_claims_nothing_about_them(tmp_path: Path) -> None:
    verification = verified(tmp_path, {})
    assert verification.ok
    assert not verification.passed("projections")


def test_an_assessment_leaves_the_documents_that_follow_from_its_bundle(tmp_path: Path) -> None:
    assess(prediction_system(tmp_path / "system"), output=tmp_path / "out")
    bundle = Bundle.open(tmp_path / "out" / EVIDENCE_FOLDER)
    expected = project_all(source_of(bundle))
    assert NAME in expected
    assert {entry.name: bundle.read(entry.name) for entry in bundle.with_role(Role.PROJECTION)} == expected
