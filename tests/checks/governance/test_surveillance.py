"""A silence counts for each signal, and a signal out of range asks for what the plan says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import STATE, registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.surveillance import surveillance
from touchstone.errors import UnavailableError

SENSITIVITY = {
    "name": "sensitivity",
    "what": "on new cases",
    "every_days": 190,
    "low": 0.8,
    "suspends": True,
    "react_days": 10,
}
COMPLAINTS = {"name": "complaints", "what": "in half a year", "every_days": 190, "high": 20, "react_days": 10}
PLAN: dict[str, Any] = {
    "as_of": "2026-11-20",
    "since": "2025-11-20",
    "signals": [SENSITIVITY, COMPLAINTS],
    "retirement": {"model": "deleted", "data": "returned", "by": "P-1"},
}


def report(day: str, sensitivity: float | None = 0.9, complaints: float = 3, **rest: Any) -> dict[str, Any]:
    values = {"sensitivity": sensitivity, "complaints": complaints}
    entry = {"id": f"S-{day}", "at": day, "state": STATE, "by": "P-5"}
    return entry | {"values": {name: value for name, value in values.items() if value is not None}} | rest


def reaction(day: str, what: str, by: str = "P-2") -> dict[str, Any]:
    return {"reaction": {"at": day, "what": what, "by": by, "reason": "as planned"}}


REPORTS = [report("2026-05-20"), report("2026-11-01")]


def measured(folder: Path, *reports: dict[str, Any], plan: dict[str, Any] = PLAN) -> Measurement:
    registers = {"surveillance-plan": plan, "surveillance-reports": list(reports)}
    return surveillance.function(registered(folder, registers), Parameters(), InProcessRun())


def value(found: Measurement, name: str) -> float:
    return float(metric(found, name).value)


def test_surveillance_in_order(tmp_path: Path) -> None:
    found = measured(tmp_path, *REPORTS)
    assert value(found, "months_between_surveillance") == 6
    assert value(found, "triggers_without_reaction") == value(found, "plan_elements_missing") == 0
    assert codes(found) == []
    assert all(control.passed for control in found.controls)
    assert len(found.controls) == 10


def test_no_report_at_all_is_a_silence_since_the_beginning(tmp_path: Path) -> None:
    found = measured(tmp_path)
    assert value(found, "months_between_surveillance") == 12
    assert value(found, "signals_behind_plan") == 2
    assert "nothing from 2025-11-20 to 2026-11-20, planned every 190 days" in found.warnings[0].text.en


def test_a_report_speaks_only_of_what_it_names(tmp_path: Path) -> None:
    found = measured(tmp_path, report("2026-05-20", sensitivity=None), REPORTS[1])
    assert value(found, "months_between_surveillance") > 11
    assert value(found, "signals_behind_plan") == 1
    assert codes(found) == ["behind-plan"]


def test_a_signal_may_begin_later(tmp_path: Path) -> None:
    late = PLAN | {"signals": [SENSITIVITY | {"since": "2026-05-21"}, COMPLAINTS]}
    found = measured(tmp_path, report("2026-05-20", sensitivity=None), REPORTS[1], plan=late)
    assert codes(found) == []


def test_what_begins_in_days_to_come_is_not_watched(tmp_path: Path) -> None:
    never = [signal | {"since": "2031-01-01"} for signal in (SENSITIVITY, COMPLAINTS)]
    found = measured(tmp_path, plan=PLAN | {"signals": never})
    assert value(found, "months_between_surveillance") == 12
    assert value(found, "signals_behind_plan") == 2


def test_once_this_version_is_in_service_reports_of_another_say_nothing(tmp_path: Path) -> None:
    other = {"state": STATE | {"version": "0.9"}}
    registers = {
        "surveillance-plan": PLAN,
        "surveillance-reports": [report("2026-01-20", **other), report("2026-05-20", **other)],
        "releases": [{"version": "1", "released": "2026-03-01T00:00:00Z", "model": "sha256:" + "0" * 64}],
    }
    found = surveillance.function(registered(tmp_path, registers), Parameters(), InProcessRun())
    assert value(found, "months_between_surveillance") == 10
    assert "last-report-on-another-state" in codes(found)


def test_signals_that_all_begin_late_hide_no_silence(tmp_path: Path) -> None:
    late = [signal | {"since": "2026-11-01"} for signal in (SENSITIVITY, COMPLAINTS)]
    found = measured(tmp_path, report("2026-11-01"), plan=PLAN | {"since": "2024-11-01", "signals": late})
    assert value(found, "months_between_surveillance") == 24
    assert codes(found) == ["nothing-watched"]
    assert "nothing about any signal from 2024-11-01 to 2026-11-01" in found.warnings[0].text.en


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ({}, "sensitivity = 0.7: nothing followed"),
        (reaction("2026-05-30", "suspended"), None),
        (reaction("2026-05-19", "suspended"), "nothing followed"),
        (reaction("2026-05-31", "suspended"), "the reaction came after more than 10 days"),
        (reaction("2026-05-21", "continued"), "service went on"),
        (reaction("2026-05-21", "corrected", by="P-5"), None),
    ],
)
def test_a_signal_that_suspends_asks_for_it_in_time(tmp_path: Path, rest: dict[str, Any], says: str | None) -> None:
    found = measured(tmp_path, report("2026-05-20", sensitivity=0.7, **rest), REPORTS[1])
    assert value(found, "triggers_without_reaction") == (says is not None)
    assert says is None or says in found.warnings[0].text.en


def test_there_is_time_to_react(tmp_path: Path) -> None:
    found = measured(tmp_path, REPORTS[0], report("2026-11-11", sensitivity=0.7))
    assert codes(found) == []


def test_whoever_reports_does_not_let_service_go_on(tmp_path: Path) -> None:
    bad = report("2026-05-20", complaints=21, **reaction("2026-05-21", "continued", by="p-5"))
    assert codes(measured(tmp_path / "a", bad, REPORTS[1])) == ["trigger-without-reaction"]
    other = report("2026-05-20", complaints=21, **reaction("2026-05-21", "continued"))
    assert codes(measured(tmp_path / "b", other, REPORTS[1])) == []


def test_a_plan_says_what_suspends_and_how_it_ends(tmp_path: Path) -> None:
    plan = PLAN | {"signals": [SENSITIVITY | {"low": None}, COMPLAINTS], "retirement": None}
    found = measured(tmp_path, *REPORTS, plan=plan)
    assert value(found, "plan_elements_missing") == 2
    assert codes(found) == ["plan-incomplete"]


def test_what_reports_are_about_is_told(tmp_path: Path) -> None:
    other = report("2026-11-01", state=STATE | {"version": "0"})
    other["values"]["mood"] = 1
    assert codes(measured(tmp_path, REPORTS[0], other)) == ["signal-not-planned", "last-report-on-another-state"]


def test_what_has_not_begun_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        measured(tmp_path, plan=PLAN | {"since": "2027-01-01"})
