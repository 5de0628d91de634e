"""A deletion counts only if the identifier stands nowhere any more, whoever derived what from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.registers import with_registers
from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import data_set, describe, make
from touchstone.checks.data_security.deletion import deletion
from touchstone.checks.data_security.held_subjects import wanted
from touchstone.checks.declaration import Measurement
from touchstone.checks.least_samples import LeastSamples
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.registers.of_subject import subject_digest
from touchstone.system.subject import Subject

ROWS = "patient,age,t,p\n" + "".join(f"P-{row:04},{60 + row},{'no' if row % 2 else 'yes'},yes\n" for row in range(20))


def request(number: int, **change: Any) -> dict[str, Any]:
    entry = {
        "id": f"DEL-{number}",
        "subject": f"P-{9000 + number}",
        "requested": "2026-06-01T00:00:00Z",
        "done": "2026-06-10T00:00:00Z",
    } | change
    return {name: value for name, value in entry.items() if value is not None}


CLEAN = [request(number) for number in range(25)]


def system(folder: Path, rows: str = ROWS) -> Subject:
    test = data_set("test.csv", "csv", identifier="patient", target="t", predictions=["p"])
    description = describe(columns=["age"], access="predictions", output="labels", data={"test": test})
    return make(folder, description, {"test.csv": rows.encode()})


def measured(
    subject: Subject, requests: list[dict[str, Any]], derived: Any = (), files: dict[str, str] | None = None
) -> Measurement:
    documents = []
    for name, content in (files or {}).items():
        (subject.root / name).write_text(content, encoding="utf-8")
        documents.append({"path": name, "controls": ["DS-13"], "title": "a document"})
    registers = {"deletions": requests} | ({} if derived is None else {"derived-records": derived})
    whole = with_registers(subject, registers, documents=documents)
    return deletion.function(whole, LeastSamples(n_min=20), InProcessRun())


def test_what_stands_nowhere_is_deleted(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path), CLEAN)
    share = metric(measurement, "deletion_test_success")
    assert (share.value, share.n, share.unit) == (1, 25, "share_of_sample")
    assert measurement.warnings == ()
    assert all(control.passed for control in measurement.controls)


@pytest.mark.parametrize(
    ("subject", "files", "place"),
    [
        ({"subject": "P-0007"}, {}, "test.csv"),
        ({"subject": None, "subject_digest": subject_digest("P-0007")}, {}, "test.csv"),
        ({"subject": "P-9000"}, {"letter.txt": "Dear P-9000, your wish was granted."}, "letter.txt"),
        ({"subject": None, "subject_digest": subject_digest("P-9000")}, {"l.json": '{"who":"P-9000"}'}, "l.json"),
        ({"subject": "王 小明"}, {"notes.txt": "患者王 小明已出院"}, "notes.txt"),
        ({"subject": "P-9000"}, {"P-9000.txt": "nothing"}, "P-9000.txt"),
        ({"subject": "P-9000"}, {"notes.txt": "患者P-9000已出院。"}, "notes.txt"),
        ({"subject": "P-9000"}, {"letter.txt": "To P-9000."}, "letter.txt"),
    ],
)
def test_what_still_stands_somewhere_is_named_with_its_place(
    tmp_path: Path, subject: dict[str, Any], files: dict[str, str], place: str
) -> None:
    measurement = measured(system(tmp_path), [request(0, **subject), *CLEAN[1:]], files=files)
    assert float(metric(measurement, "deletion_test_success").value) == 0.96
    assert codes(measurement) == ["still-held", "still-held-in"]
    assert place in measurement.warnings[1].text.en
    assert "P-0007" not in measurement.warnings[0].text.en


@pytest.mark.parametrize(
    "derived", [{"subject": "P-9000"}, {"subject_digest": subject_digest("P-9000")}], ids=["plain", "digest"]
)
def test_an_index_that_still_holds_it_afterwards_speaks_against_it(tmp_path: Path, derived: dict[str, str]) -> None:
    later = {"store": "index", "read": "2026-07-01T00:00:00Z", **derived}
    subject = system(tmp_path)
    assert codes(measured(subject, CLEAN, [later])) == ["still-held", "still-held-in"]
    early = measured(subject, CLEAN, [later | {"read": "2026-06-05T00:00:00Z"}])
    assert codes(early) == ["derived-store-read-early"]
    assert early.metrics == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"done": None}, "not-done"),
        ({"done": "2026-05-01T00:00:00Z"}, "impossible-time"),
        ({"id": "DEL-1"}, "number-twice"),
    ],
)
def test_what_speaks_against_a_request_is_named(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    measurement = measured(system(tmp_path), [request(0, **change), *CLEAN[1:]])
    assert codes(measurement) == [reason]


def test_few_subjects_and_unlisted_stores_prove_nothing_good(tmp_path: Path) -> None:
    subject = system(tmp_path)
    twice = [request(number, subject=f"P-{9000 + number % 10}") for number in range(25)]
    assert codes(measured(subject, twice)) == ["too-few-samples"]
    assert measured(subject, twice).metrics == ()
    assert measured(subject, CLEAN, None).metrics == ()
    assert codes(measured(subject, CLEAN, None)) == ["derived-stores-not-listed"]
    held = measured(subject, [request(0, subject="P-0007")], None)
    assert metric(held, "deletion_test_success").value == 0


def test_a_short_number_is_looked_for_among_identifiers_only(tmp_path: Path) -> None:
    rows = ROWS.replace("P-0003", "2042").replace(",66,", ",2041,")
    subject = system(tmp_path, rows)
    assert codes(measured(subject, [request(0, subject="2041"), *CLEAN[1:]])) == []
    assert codes(measured(subject, [request(0, subject="2042"), *CLEAN[1:]])) == ["still-held", "still-held-in"]


def test_nothing_is_lost_between_portions() -> None:
    sought = wanted([], ["somebody-1", "Some Body"])
    for cut in range(1, 30):
        content = b"x" * 5 + b" somebody-1 and Some Body;"
        sought.found.clear()
        sought.look_into([content[:cut], content[cut:]], "file")
        assert set(sought.found) == {"somebody-1", "Some Body"}
    sought.found.clear()
    sought.look_into([b"somebody-12,Some_Body"], "file")
    assert sought.found == {}


def test_without_a_record_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no request to delete"):
        measured(system(tmp_path), [])
    with pytest.raises(UnavailableError, match="not handed in"):
        deletion.function(system(tmp_path / "other"), LeastSamples(), InProcessRun())


@pytest.mark.parametrize("subject", ["P-0003 ", "P-0003\u200b", "P-00\u00ad03"])
def test_an_identifier_that_only_looks_the_same_is_refused(tmp_path: Path, subject: str) -> None:
    with pytest.raises(DescriptionError, match="characters that nobody sees, or spaces at an end"):
        measured(system(tmp_path), [*CLEAN, request(99, subject=subject)])
