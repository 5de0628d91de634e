"""The newest day of each register."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.building import prediction_system
from tests.checks.registers import with_registers
from touchstone.system.registers.reach import newest_days
from touchstone.system.subject import open_system

RISK = {"id": "R-1", "title": "a risk", "owner": "P-1", "treatment": "reduce", "residual": "low"}


def test_what_is_planned_is_not_what_happened(tmp_path: Path) -> None:
    risks = [
        RISK | {"identified": "2026-03-02", "due": "2027-01-01"},
        RISK | {"id": "R-2", "identified": "2026-01-02", "closed": "2026-04-05"},
    ]
    subject = with_registers(open_system(prediction_system(tmp_path)), {"risks": risks})
    assert newest_days(subject) == {"risks": date(2026, 4, 5)}


def test_registers_without_a_day_are_left_out(tmp_path: Path) -> None:
    subject = with_registers(open_system(prediction_system(tmp_path)), {"risks": [], "supply-graph": []})
    assert newest_days(subject) == {}


def test_a_system_without_registers_has_none(tmp_path: Path) -> None:
    assert newest_days(open_system(prediction_system(tmp_path))) == {}
