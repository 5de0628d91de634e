"""`process.change_impact` on histories that are sound and histories that are not."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import describe, make
from touchstone.canonical import digest_of, digest_of_json
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity.change_impact import change_impact
from touchstone.errors import UnavailableError
from touchstone.system.registers.change_envelope import EnvelopeClause
from touchstone.system.registers.changes import Change
from touchstone.system.registers.reading import parse_register
from touchstone.system.subject import Subject, description_json

PAGE = Path(__file__).parents[3] / "docs/how-to/show-supply-resilience.md"
OLD, NEW, PLAN = b"old model", b"new model", b"what may be changed"
BOTH = ["model.format_scan", "supply.aibom", "runtime.monitor", "supply.vulnerabilities"]
DEPENDING = [check for check in BOTH if check != "runtime.monitor"]

Fields = dict[str, Any]


def change(**fields: Any) -> Fields:
    """A new model, assessed between being made and being released."""
    return {
        "id": "C-1",
        "at": "2026-05-04T09:00:00+08:00",
        "released": "2026-05-20T09:00:00+08:00",
        "summary": "retrained",
        "parts": ["model"],
        "files": {"model.onnx": {"before": digest_of(OLD), "after": digest_of(NEW)}},
        "assessment": assessed(),
    } | fields


def assessed(**fields: Any) -> Fields:
    return {
        "finished": "2026-05-12T09:00:00+08:00",
        "system": "sha256:" + "1" * 64,
        "checks": DEPENDING,
        "passed": True,
    } | fields


def clause(**fields: Any) -> Fields:
    return {
        "id": "E-1",
        "since": "2026-01-10",
        "document": digest_of(PLAN),
        "allows": "retraining",
        "parts": ["model"],
        "checks": ["model.format_scan"],
    } | fields


def system(folder: Path, registers: dict[str, Any], model: bytes = NEW, **changes: Any) -> Subject:
    description = describe(columns=["a"], format_="onnx", file="model.onnx") | changes
    description["documents"] = [{"path": "plan.txt", "controls": ["MI-11"], "title": "plan"}]
    files = {"model.onnx": model, "plan.txt": PLAN}
    if registers:
        description["registers"] = {name: f"{name}.yaml" for name in registers}
        files |= {f"{name}.yaml": json.dumps(entries).encode() for name, entries in registers.items()}
    return make(folder, description, files)


def before(folder: Path, **fields: Any) -> Fields:
    """The register of the previous assessment, of the system with the old model."""
    then = system(folder, {}, model=OLD)
    return {
        "system": then.digest,
        "evidence": "sha256:" + "2" * 64,
        "finished": "2026-03-01T00:00:00Z",
        "checks": BOTH,
        "description": description_json(then.description),
        "files": [{"path": file.path, "size": file.size, "digest": file.digest} for file in then.files],
    } | fields


def measure(subject: Subject) -> tuple[Measurement, Fields]:
    run = InProcessRun()
    measurement = change_impact.function(subject, change_impact.parameters(), run)
    assert all(control.passed for control in measurement.controls), measurement.controls
    impact: Fields = json.loads(run.kept["impact.json"])
    return measurement, impact


def reviewed(folder: Path, changes: list[Fields], **registers: Any) -> Measurement:
    return measure(system(folder, {"changes": changes, **registers}))[0]


def unassessed(measurement: Measurement) -> int:
    return int(metric(measurement, "unassessed_changes").value)


def said(measurement: Measurement) -> str:
    return "\n".join(note.text.en for note in measurement.warnings)


def test_a_change_that_was_assessed_in_time_is_no_finding(tmp_path: Path) -> None:
    registers = {"changes": [change()], "previous-assessment": before(tmp_path / "then")}
    measurement, impact = measure(system(tmp_path / "now", registers))
    assert (unassessed(measurement), codes(measurement)) == (0, [])
    [found] = impact["changes"]
    assert (found["required"], found["objections"]) == (sorted(DEPENDING), [])
    assert {"MI-01", "MI-09", "SR-01"} <= set(found["controls"])
    assert "SR-10" not in found["controls"]  # monitoring is tested on its own records


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"assessment": None}, "went into service without an assessment"),
        ({"assessment": assessed(passed=False)}, "although its assessment did not allow it"),
        ({"assessment": assessed(finished="2026-05-21T00:00:00Z")}, "before its assessment was done"),
        ({"assessment": assessed(finished="2026-05-01T00:00:00Z")}, "assessed before it was made"),
        ({"assessment": assessed(checks=DEPENDING[:1])}, "was not run again: supply.aibom, supply.vulnerabilities"),
        ({"envelope": "E-1", "assessment": None}, "no one clause is called E-1"),
    ],
)
def test_what_speaks_against_a_change_is_named(tmp_path: Path, fields: Fields, reason: str) -> None:
    measurement = reviewed(tmp_path / "now", [change(**fields)], **{"previous-assessment": before(tmp_path / "then")})
    assert unassessed(measurement) == 1
    assert reason in said(measurement)


def test_a_change_that_is_not_in_service_does_not_count(tmp_path: Path) -> None:
    measurement = reviewed(tmp_path, [change(released=None, assessment=None)])
    assert (unassessed(measurement), codes(measurement)) == (0, ["not-in-service", "no-previous-assessment"])


def test_inside_the_envelope_only_its_own_checks_are_needed(tmp_path: Path) -> None:
    inside = change(envelope="E-1", assessment=assessed(checks=["model.format_scan"]))
    then = before(tmp_path / "then")

    def with_clause(name: str, **fields: Any) -> Measurement:
        registers = {"change-envelope": [clause(**fields)], "previous-assessment": then}
        return reviewed(tmp_path / name, [inside], **registers)

    measurement = with_clause("a")
    assert (unassessed(measurement), metric(measurement, "changes_inside_envelope").value) == (0, Decimal(1))
    for name, fields, reason in (
        ("b", {"since": "2026-05-05"}, "was agreed on later"),
        ("c", {"parts": ["data.train"]}, "does not allow model"),
        ("d", {"document": "sha256:" + "0" * 64}, "was not handed in"),
        ("model", {"document": digest_of(NEW)}, "was not handed in"),
        ("e", {"checks": ["supply.aibom"]}, "was not run again: supply.aibom"),
    ):
        measurement = with_clause(name, **fields)
        assert unassessed(measurement) == 1
        assert reason in said(measurement)


def test_files_say_what_a_change_leaves_out(tmp_path: Path) -> None:
    then = before(tmp_path / "then")
    measurement = reviewed(tmp_path / "now", [change(parts=["components"])], **{"previous-assessment": then})
    assert (unassessed(measurement), codes(measurement)) == (0, ["parts-left-out"])


def test_changes_follow_from_one_another(tmp_path: Path) -> None:
    middle = digest_of(b"in between")
    first = change(files={"model.onnx": {"before": digest_of(OLD), "after": middle}})
    second = change(
        id="C-2",
        at="2026-06-01T00:00:00Z",
        released="2026-06-09T00:00:00Z",
        assessment=assessed(finished="2026-06-05T00:00:00Z"),
        files={"model.onnx": {"before": middle, "after": digest_of(NEW)}},
    )
    then = {"previous-assessment": before(tmp_path / "then")}
    assert unassessed(reviewed(tmp_path / "a", [second, first], **then)) == 0
    gap = second | {"files": {"model.onnx": {"before": digest_of(OLD), "after": digest_of(NEW)}}}
    assert "C-2 begins with another file than C-1 left" in said(reviewed(tmp_path / "b", [first, gap], **then))
    assert "not the file that its last change, C-1, left" in said(reviewed(tmp_path / "c", [first], **then))
    elsewhere = first | {"files": {"model.onnx": {"before": "sha256:" + "3" * 64, "after": middle}}}
    assert "stands nowhere among its changes" in said(reviewed(tmp_path / "d", [elsewhere, second], **then))
    assert "2 changes have this name" in said(reviewed(tmp_path / "e", [first, second | {"id": "C-1"}], **then))


def test_what_differs_without_a_change_is_found(tmp_path: Path) -> None:
    then = before(tmp_path / "then")
    registers = {"changes": [], "previous-assessment": then}
    measurement, impact = measure(system(tmp_path / "a", registers))
    assert impact["unrecorded"] == ["model.onnx is not as it was last assessed, and no change names it"]
    assert unassessed(measurement) == 1
    assert unassessed(measure(system(tmp_path / "b", registers, model=OLD))[0]) == 0
    other = {"components": [{"name": "numerics", "kind": "library"}], "deployment": {"jurisdictions": ["CN"]}}
    _, impact = measure(system(tmp_path / "c", registers, model=OLD, **other))
    assert [text.split(":")[0] for text in impact["unrecorded"]] == ["components", "deployment"]
    early = change(parts=["components", "deployment"], files={}, released="2026-02-01T00:00:00Z", assessment=None)
    _, impact = measure(system(tmp_path / "d", registers | {"changes": [early]}, model=OLD, **other))
    assert len(impact["unrecorded"]) == 2  # a change from before the assessment explains nothing after it


def test_a_previous_assessment_that_is_not_genuine_counts_against_the_system(tmp_path: Path) -> None:
    forged = before(tmp_path / "then")
    forged["files"] = [file | {"digest": digest_of(NEW)} for file in forged["files"]]
    measurement = reviewed(tmp_path / "now", [], **{"previous-assessment": forged})
    assert unassessed(measurement) == 1
    assert "not the system whose digest it names" in said(measurement)
    odd = before(tmp_path / "odd")
    odd["description"] |= {"extra": 0.5}
    assert unassessed(reviewed(tmp_path / "again", [], **{"previous-assessment": odd})) == 1


def test_a_release_that_no_change_made_is_found(tmp_path: Path) -> None:
    releases = [
        {"version": str(number), "released": f"2026-0{number}-01T00:00:00Z", "model": digest_of(model)}
        for number, model in enumerate((b"the very first", NEW, b"from nowhere"), 1)
    ]
    measurement = reviewed(tmp_path / "a", [change()], releases=releases)
    assert unassessed(measurement) == 1
    assert "release 3: no change names the model" in said(measurement)


def test_a_release_by_a_change_that_is_said_not_to_be_in_service_is_found(tmp_path: Path) -> None:
    releases = [{"version": "2", "released": "2026-06-01T00:00:00Z", "model": digest_of(NEW)}]
    measurement = reviewed(tmp_path, [change(released=None)], releases=releases)
    assert unassessed(measurement) == 1
    assert "release 2: C-1 made its model and says that it is not in service" in said(measurement)


def test_nothing_on_record_and_nothing_to_compare_with_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no change is on record"):
        reviewed(tmp_path / "first", [])
    then = before(tmp_path / "then")
    assert unassessed(reviewed(tmp_path / "second", [], **{"previous-assessment": then})) == 1


def test_without_a_register_it_is_not_tested(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="register of changes"):
        measure(system(tmp_path, {}))


def test_the_examples_of_the_page_are_read() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, kind in (("changes", Change), ("change-envelope", EnvelopeClause)):
        [example] = re.findall(rf"```yaml\n# change/{name}.yaml\n(.*?)```", text, re.DOTALL)
        assert parse_register(example.encode(), f"{name}.yaml", kind)


def test_the_digest_of_the_previous_system_is_the_one_of_the_evidence(tmp_path: Path) -> None:
    then = before(tmp_path)
    listed = {"schema": "touchstone.system-digest/v1", "description": then["description"], "files": then["files"]}
    assert digest_of_json(listed) == then["system"]
