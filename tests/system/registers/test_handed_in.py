"""All registers together: their newest days, and their faults."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.building import prediction_system
from tests.checks.registers import with_registers
from touchstone.errors import DescriptionError
from touchstone.system.registers.handed_in import newest_days, registers_of
from touchstone.system.subject import open_system

RISK = {"id": "R-1", "title": "a risk", "owner": "P-1", "treatment": "reduce", "residual": "low"}


def test_what_is_planned_is_not_what_happened(tmp_path: Path) -> None:
    risks = [
        RISK | {"identified": "2026-03-02", "due": "2027-01-01"},
        RISK | {"id": "R-2", "identified": "2026-01-02", "closed": "2026-04-05"},
    ]
    subject = with_registers(open_system(prediction_system(tmp_path)), {"risks": risks})
    assert newest_days(registers_of(subject)) == {"risks": date(2026, 4, 5)}


def test_registers_without_a_day_are_left_out(tmp_path: Path) -> None:
    subject = with_registers(open_system(prediction_system(tmp_path)), {"risks": [], "supply-graph": []})
    assert newest_days(registers_of(subject)) == {}


def test_a_system_without_registers_has_none(tmp_path: Path) -> None:
    assert newest_days(registers_of(open_system(prediction_system(tmp_path)))) == {}


def test_what_is_wrong_is_said_of_every_register_at_once(tmp_path: Path) -> None:
    broken = {"risks": [RISK], "flows": [{"id": "F-1"}], "deletions": []}
    subject = with_registers(open_system(prediction_system(tmp_path)), broken)
    with pytest.raises(DescriptionError) as refusal:
        registers_of(subject)
    where = {str(problem.where) for problem in refusal.value.problems}
    assert where == {"flows.jsonl, line 1", "risks.jsonl, line 1"}
