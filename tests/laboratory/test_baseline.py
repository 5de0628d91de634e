"""From one assessment to the next: what the first saw, the second holds the system against."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.building import prediction_system
from tests.cli.program import run
from touchstone.api import assess
from touchstone.evidence.bundle import BundleWriter
from touchstone.evidence.layout import Role
from touchstone.laboratory.recording import read_recorded
from touchstone.laboratory.rejudging import find_bundle
from touchstone.records import Observation
from touchstone.system.registers.previous_assessment import PreviousAssessment
from touchstone.system.registers.reading import parse_register
from touchstone.system.subject import open_system

CHECKED = ("data.manifest", "model.performance")
REGISTERS = {"changes": "changes.jsonl", "previous-assessment": "previous.yaml"}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a first assessment."""
    folder = tmp_path_factory.mktemp("first")
    assess(prediction_system(folder / "system"), output=folder / "out", only=CHECKED)
    return folder


def second(folder: Path, previous: bytes, accuracy: float = 0.9) -> Observation:
    """What the second assessment observes of the changes since the first."""
    system = folder / "system"
    system.mkdir(parents=True)
    (system / "previous.yaml").write_bytes(previous)
    (system / "changes.jsonl").write_bytes(b"")
    description = prediction_system(system, accuracy=accuracy, registers=REGISTERS)
    assess(description, "baseline", output=folder / "out", only=("process.change_impact",))
    return read_recorded(find_bundle(folder / "out")).observations["process.change_impact"]


def test_an_unchanged_system_is_found_unchanged_and_a_changed_one_changed(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    previous = tmp_path / "previous.yaml"
    digest = find_bundle(first / "out").manifest_digest
    assert run(capsys, "bundle", "baseline", first / "out", "--output", previous).out == f"evidence {digest}\n"
    [entry] = parse_register(previous.read_bytes(), "previous.yaml", PreviousAssessment)
    assert (entry.system, entry.checks) == (open_system(first / "system").digest, sorted(CHECKED))
    unchanged = second(tmp_path / "a", previous.read_bytes())
    assert {metric.id: int(metric.value) for metric in unchanged.metrics}["unassessed_changes"] == 0
    assert unchanged.believed
    changed = second(tmp_path / "b", previous.read_bytes(), accuracy=0.8)
    assert [note.text.en for note in changed.warnings] == [
        "test.csv is not as it was last assessed, and no change names it"
    ]


def test_what_is_written_is_plain_json_and_overwrites_nothing(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    previous = tmp_path / "previous.yaml"
    assert run(capsys, "bundle", "baseline", first / "out", "--output", previous).code == 0
    assert json.loads(previous.read_bytes())["checks"] == sorted(CHECKED)
    assert run(capsys, "bundle", "baseline", first / "out", "--output", previous).code == 2
    other = run(capsys, "bundle", "baseline", first / "out", "--output", tmp_path / "previous.json")
    assert (other.code, "must end in .yaml" in other.err) == (2, True)


def test_a_bundle_that_does_not_say_when_it_was_made_is_no_baseline(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = find_bundle(first / "out")
    with BundleWriter(tmp_path / "evidence") as bundle:
        for entry in whole.entries:
            if entry.role != Role.EXECUTION:
                bundle.add(entry.name, entry.media_type, whole.read(entry.name), role=entry.role)
    finished = run(capsys, "bundle", "baseline", tmp_path / "evidence", "--output", tmp_path / "p.yaml")
    assert (finished.code, "does not say when every check ended" in finished.err) == (2, True)
    assert not (tmp_path / "p.yaml").exists()


def test_a_bundle_that_is_no_assessment_is_no_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with BundleWriter(tmp_path / "evidence") as bundle:
        bundle.add("facts.json", "application/json", b"{}", role="facts")
    assert run(capsys, "bundle", "baseline", tmp_path / "evidence", "--output", tmp_path / "p.yaml").code == 2
