"""The tests of the tests hold whatever is drawn by lot: nothing in what is sound, and every planted flaw."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checks.running import InProcessRun
from touchstone.checks.governance.committee_controls import flawed_committees, sound_committee
from touchstone.checks.governance.committee_records import audit_committee
from touchstone.checks.governance.disclosure_controls import flawed_logs, sound_log
from touchstone.checks.governance.disclosure_log import audit_disclosure
from touchstone.checks.governance.oversight_controls import flawed_exercises, sound_exercise
from touchstone.checks.governance.oversight_findings import audit_oversight
from touchstone.checks.governance.risk_controls import flawed_risks, sound_risks
from touchstone.checks.governance.risk_records import audit_risks
from touchstone.checks.governance.surveillance_controls import flawed_surveillance, sound_surveillance
from touchstone.checks.governance.surveillance_records import audit_surveillance
from touchstone.checks.register_controls import register_controls
from touchstone.records import ControlRun

LEAST = 50


def controls(run: InProcessRun) -> Iterator[ControlRun]:
    made, plants = run.generator("made"), run.generator("plants")
    committee = sound_committee(made)
    yield from register_controls(audit_committee, committee, tuple(flawed_committees(committee)))
    risks = sound_risks(made)
    yield from register_controls(audit_risks, risks, tuple(flawed_risks(risks, plants)))
    exercise = sound_exercise(made, LEAST)
    exercises = tuple(flawed_exercises(exercise))
    yield from register_controls(lambda each: audit_oversight(each, LEAST), exercise, exercises)
    log = sound_log(made)
    yield from register_controls(audit_disclosure, log, tuple(flawed_logs(log, plants)))
    watched = sound_surveillance(made)
    yield from register_controls(audit_surveillance, watched, tuple(flawed_surveillance(watched)))


@pytest.mark.parametrize("seed", range(5))
def test_controls_hold_for_any_seed(seed: int) -> None:
    found = list(controls(InProcessRun(seed=f"made up {seed}")))
    assert [control.kind for control in found].count("null") == 5
    assert [(control.expected.en, control.seen.en) for control in found if not control.passed] == []
