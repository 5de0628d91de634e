"""The controls of operation, from registers to verdicts: what the standard asks for reaches the checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.checks.registers import Entries, with_registers
from tests.checks.system_resilience import test_event_log as logging
from tests.checks.system_resilience import test_fail_safe as failsafe
from tests.checks.system_resilience import test_hardening as platform
from tests.checks.system_resilience import test_monitor as monitoring
from tests.checks.system_resilience import test_rollback as drilled
from tests.checks.system_resilience.systems import picture_system
from touchstone.assessment.measure import measure
from touchstone.assessment.plan import make_plan
from touchstone.checks.registry import installed_check, installed_checks
from touchstone.checks.system_resilience.log_trace import written
from touchstone.records import Finding
from touchstone.standard.catalog import load_standard
from touchstone.standard.judge import judge
from touchstone.system.subject import Subject

PROFILE = load_standard().profile("digital-healthcare")
CHECKS = {
    "SR-09": "runtime.failsafe",
    "SR-10": "runtime.monitor",
    "SR-11": "runtime.logging",
    "SR-12": "runtime.rollback",
    "SR-14": "platform.hardening",
    "DS-13": "data.protection",
}
FEW = {
    "fault-injections": 2,
    "seeded-events": 5,
    "alerts": 5,
    "event-log": 2,
    "drills": 2,
    "update-trials": 2,
    "deletions": 2,
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return picture_system(tmp_path_factory.mktemp("system"), gap=0.4, n=40)


def registers(system: Subject) -> dict[str, Any]:
    """Everything as it should be, and enough of it."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "safety-concept": failsafe.CONCEPT,
        "fault-injections": [{**each, "id": f"{place}"} for place, each in enumerate(failsafe.ALL_WELL)],
        "monitoring-exercise": monitoring.SETTINGS,
        "seeded-events": monitoring.EVENTS,
        "alerts": monitoring.ALERTS,
        "event-log": logging.entries(system, 3000),
        "log-retention": [logging.KEPT],
        "releases": drilled.releases(system),
        "drills": drilled.drills(system),
        "network": platform.network(),
        "update-trials": platform.TRIALS,
        "deletions": [
            {
                "id": f"{number}",
                "subject": f"subject-{number}",
                "requested": begun.isoformat(),
                "done": (begun + timedelta(days=1)).isoformat(),
            }
            for number in range(20)
        ],
        "derived-records": [],
    }


def findings(system: Subject, handed_in: dict[str, Any]) -> dict[str, Finding]:
    files: dict[str, Entries] = dict(handed_in)
    if "event-log" in files:
        files["event-log"] = b"\n".join(written(handed_in["event-log"]))
    facts = {"deploy.safety_related": True}
    subject = with_registers(system, files, facts=facts, deployment={"edge_devices": platform.DEVICES})
    plan = make_plan(subject, PROFILE, installed_checks(), "quick", only=tuple(CHECKS))
    observations = {
        item.check.id: measure(installed_check(item.check.id), subject, item, "quick").observation
        for item in plan.items
        if item.runs and item.check.id in CHECKS.values()
    }
    return {
        each.control: each
        for each in judge(PROFILE, subject.facts, plan, observations, {}, {})
        if each.control in CHECKS
    }


def test_records_in_which_all_is_well_meet_every_limit(system: Subject) -> None:
    """What is left are documents, which people have to read."""
    found = findings(system, registers(system))
    assert found.keys() == CHECKS.keys()
    for finding in found.values():
        assert {decision.outcome for decision in finding.decisions} == {"pass"}, finding.reason.text.en
        assert "documents" in finding.reason.text.en


def test_without_records_nothing_is_tested(tmp_path: Path) -> None:
    found = findings(picture_system(tmp_path, gap=0.4, n=40), {})
    assert {finding.verdict for finding in found.values()} == {"not-tested"}


def test_a_few_good_entries_decide_nothing(system: Subject) -> None:
    few = {name: entries[: FEW[name]] if name in FEW else entries for name, entries in registers(system).items()}
    outcomes = {name: {each.outcome for each in finding.decisions} for name, finding in findings(system, few).items()}
    assert all(found & {"inconclusive", "missing"} and "fail" not in found for found in outcomes.values()), outcomes


@pytest.mark.parametrize(
    ("control", "register", "entry", "change"),
    [
        ("SR-09", "fault-injections", slice(0, 60), {"state": "carried on"}),
        ("SR-10", "alerts", slice(0, 75), {"threat": "drift"}),
        ("SR-11", "event-log", slice(0, 60), {"output": "perhaps"}),
        ("SR-12", "drills", slice(0, 10), {"model_after": "sha256:" + "0" * 64}),
        ("SR-14", "update-trials", slice(1, 2), {"accepted": True}),
        ("DS-13", "deletions", slice(0, 1), {"done": "2025-01-01T00:00:00Z"}),
    ],
)
def test_a_bad_record_fails_its_control_and_no_other(
    system: Subject, control: str, register: str, entry: slice, change: dict[str, Any]
) -> None:
    whole = registers(system)
    whole[register] = [
        {**each, **change} if place in range(*entry.indices(len(whole[register]))) else each
        for place, each in enumerate(whole[register])
    ]
    found = findings(system, whole)
    assert {name for name, finding in found.items() if finding.verdict == "fail"} == {control}
