"""Exhibits that may speak of persons: restricted, salted, and yet the same bytes for whoever holds the data."""

import json
from pathlib import Path

import pytest

from tests.building import prediction_system
from touchstone.assessment.disclosure import may_speak_of_persons, salted, secret_of
from touchstone.assessment.measure import measure
from touchstone.assessment.plan import make_plan
from touchstone.canonical import canonical_json
from touchstone.checks.registry import installed_check, installed_checks
from touchstone.standard.catalog import load_standard
from touchstone.system.subject import Subject, open_system

PERFORMANCE = "model.performance"


def subject_in(folder: Path, **facts: bool) -> Subject:
    return open_system(
        prediction_system(folder, rows=60, facts={f"data.{name}": value for name, value in facts.items()})
    )


def exhibit_of(subject: Subject) -> bytes:
    """The one exhibit of the performance check."""
    plan = make_plan(subject, load_standard().profile("baseline"), installed_checks(), "quick")
    item = next(item for item in plan.items if item.check.id == PERFORMANCE)
    (content,) = measure(installed_check(PERFORMANCE), subject, item, "quick").exhibits.values()
    return content


@pytest.mark.parametrize(("facts", "expected"), [({}, True), ({"personal": True}, True), ({"personal": False}, False)])
def test_what_reads_data_may_speak_of_persons_unless_denied(
    tmp_path: Path, facts: dict[str, bool], expected: bool
) -> None:
    subject = subject_in(tmp_path, **facts)
    assert may_speak_of_persons(subject, installed_check(PERFORMANCE)) is expected
    assert not may_speak_of_persons(subject, installed_check("model.format_scan"))


def test_the_salt_is_beside_the_content(tmp_path: Path) -> None:
    content = exhibit_of(subject_in(tmp_path, personal=True))
    value = json.loads(content)
    assert set(value) == {"content", "salt"}
    assert len(bytes.fromhex(value["salt"])) == 32
    assert canonical_json(value) == content
    assert set(value["content"]) == {"labels", "rows_truth_columns_predicted"}


def test_what_is_not_personal_is_not_salted(tmp_path: Path) -> None:
    assert set(json.loads(exhibit_of(subject_in(tmp_path, personal=False)))) == {
        "labels",
        "rows_truth_columns_predicted",
    }


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    first = exhibit_of(subject_in(tmp_path / "first", personal=True))
    assert exhibit_of(subject_in(tmp_path / "second", personal=True)) == first


def test_every_byte_of_the_data_changes_the_secret(tmp_path: Path) -> None:
    before = secret_of(subject_in(tmp_path))
    for file in sorted(tmp_path.glob("*.csv")):
        original = file.read_bytes()
        file.write_bytes(original + b"\n")
        assert secret_of(open_system(tmp_path)) != before
        file.write_bytes(original)
    assert secret_of(open_system(tmp_path)) == before


def test_the_secret_is_no_public_digest(tmp_path: Path) -> None:
    subject = subject_in(tmp_path)
    assert f"sha256:{secret_of(subject).hex()}" not in {subject.digest, *(file.digest for file in subject.files)}


def test_each_exhibit_has_its_own_salt() -> None:
    secret = bytes(32)
    salts = {json.loads(salted(b"{}", secret, purpose))["salt"] for purpose in ("a", "b")}
    assert len(salts) == 2
