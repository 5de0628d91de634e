from dataclasses import replace
from decimal import Decimal

from tests.checks.evaluation.audits.auditing import observe, values
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST
from touchstone.checks.evaluation.audits.tool_qualification import tool_qualification
from touchstone.checks.run_record import RunRecord
from touchstone.records import ControlRun, Tally
from touchstone.text import Text


def control(kind: str, passed: bool, unlimited: Tally | None = None) -> ControlRun:
    said = Text("as it is", "如所述")
    return ControlRun.model_validate(
        {"kind": kind, "expected": said, "seen": said, "passed": passed, "unlimited": unlimited}
    )


def run_with(*controls: ControlRun) -> RunRecord:
    first = HONEST.observations[FIRST].model_copy(update={"controls": controls})
    return replace(HONEST, observations={FIRST: first})


def test_tools_are_counted_by_the_faults_they_find_and_invent():
    run = run_with(control("planted", True), control("planted", False), control("null", False), control("null", True))
    assert values(tool_qualification, run) == {"fixture_recall": 0.5, "fixture_false_alarms": 1}
    warnings = [warning.code for warning in observe(tool_qualification, run).warnings]
    assert warnings == ["control-run-failed", "control-run-failed", "no-unlimited-attack"]


def test_the_weakest_attack_without_limits_counts():
    attacks = [control("planted", True, Tally(found=found, of=50)) for found in (50, 49)]
    observation = observe(tool_qualification, run_with(*attacks))
    (broken,) = [metric for metric in observation.metrics if metric.id == "unbounded_budget_asr"]
    assert (broken.value, broken.n) == (Decimal("0.98"), 50)


def test_an_attack_on_no_sample_shows_nothing():
    found = values(tool_qualification, run_with(control("planted", True, Tally(found=0, of=0))))
    assert "unbounded_budget_asr" not in found


def test_without_planted_faults_no_tool_is_qualified():
    observation = observe(tool_qualification, run_with(control("null", True)))
    assert observation.error is not None
    assert observation.error.code == "unavailable"
