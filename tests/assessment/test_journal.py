import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.assessment.journal import Journal, question_of
from touchstone.assessment.measure import Measured
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError, UserError
from touchstone.records import (
    Access,
    CheckIdentity,
    Execution,
    Exhibit,
    Isolation,
    Note,
    Observation,
    PlanItem,
    StoppingLimit,
)
from touchstone.text import Text

SYSTEM = digest_of(b"system")
CHECK = CheckIdentity(id="a.check", version="1")
ITEM = PlanItem(check=CHECK, controls=("X-01",), runs=True, seed="00", parameters={"steps": 3})
EXECUTION = Execution(
    check=CHECK,
    started="2026-01-01T00:00:00+00:00",
    wall_ms=1,
    cpu_ms=1,
    peak_memory_bytes=1,
    isolation=Isolation(
        process="same",
        network="open",
        network_by="",
        new_programs="allowed",
        memory_bytes=None,
        cpu_seconds=None,
        wall_seconds=None,
    ),
)


def answer(status: str = "measured") -> Measured:
    content = b"exhibit"
    exhibit = Exhibit(name="x.bin", media_type="application/octet-stream", digest=digest_of(content), size=7)
    observation = Observation.model_validate(
        {
            "check": CHECK,
            "system": SYSTEM,
            "parameters": {},
            "seed": "00",
            "access": Access.LABELS,
            "status": status,
            "exhibits": (exhibit,),
            "error": Note(code="x", text=Text("x", "x")) if status == "error" else None,
        }
    )
    return Measured(observation, {exhibit.digest: content})


def test_a_kept_answer_is_recalled_by_the_next_process(tmp_path: Path) -> None:
    question = question_of(SYSTEM, ITEM, "quick", "touchstone 1")
    with Journal(tmp_path) as journal:
        assert journal.recall(question) is None
        journal.keep(question, answer(), EXECUTION)
    with Journal(tmp_path) as journal:
        assert journal.recall(question) == (answer(), EXECUTION)


def test_an_error_is_tried_again(tmp_path: Path) -> None:
    question = question_of(SYSTEM, ITEM, "quick", "touchstone 1")
    with Journal(tmp_path) as journal:
        journal.keep(question, answer("error"), EXECUTION)
        assert journal.recall(question) is None


CHANGES = {
    "check": CheckIdentity(id="a.check", version="2"),
    "seed": "01",
    "parameters": {"steps": 4},
    "limits": (StoppingLimit(metric="m", op=">=", value=1, bound="lower"),),
}


@given(st.sampled_from(sorted(CHANGES)))
def test_a_changed_question_gets_no_old_answer(field: str) -> None:
    changed = ITEM.model_copy(update={field: CHANGES[field]})
    assert question_of(SYSTEM, changed, "quick", "t") != question_of(SYSTEM, ITEM, "quick", "t")


def test_which_controls_ask_does_not_change_the_question() -> None:
    asked_by_another = ITEM.model_copy(update={"controls": ("Y-02",)})
    assert question_of(SYSTEM, asked_by_another, "quick", "t") == question_of(SYSTEM, ITEM, "quick", "t")


def test_a_second_process_is_told_to_wait(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(UserError, match="another assessment"), Journal(tmp_path):
        pass


def test_an_altered_exhibit_is_no_answer(tmp_path: Path) -> None:
    question = question_of(SYSTEM, ITEM, "quick", "touchstone 1")
    with Journal(tmp_path) as journal:
        journal.keep(question, answer(), EXECUTION)
    with sqlite3.connect(tmp_path / "journal.sqlite3") as connection:
        connection.execute("UPDATE exhibit SET content = ?", (b"another",))
    with Journal(tmp_path) as journal, pytest.raises(EvidenceError, match="missing or altered"):
        journal.recall(question)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(EvidenceError, match="cannot be read"), Journal(tmp_path):
        pass


def test_asking_again_is_another_question(tmp_path: Path) -> None:
    question = question_of(SYSTEM, ITEM, "quick", "touchstone 1")
    again = question_of(SYSTEM, ITEM, "quick", "touchstone 1", again=True)
    with Journal(tmp_path) as journal:
        journal.keep(question, answer(), EXECUTION)
        assert journal.recall(again) is None


def test_the_first_time_of_an_event_outlives_the_process(tmp_path: Path) -> None:
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with Journal(tmp_path) as journal:
        assert journal.first_time("plan logged", first) == "2026-01-01T12:00:00.000+00:00"
    with Journal(tmp_path) as journal:
        assert journal.first_time("plan logged", first + timedelta(days=1)) == "2026-01-01T12:00:00.000+00:00"
        assert journal.first_time("another", first + timedelta(days=1)) != "2026-01-01T12:00:00.000+00:00"
