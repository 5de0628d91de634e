from dataclasses import replace
from datetime import timedelta

import pytest

from tests.checks.evaluation.audits.auditing import observe, values
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, SECOND, execution
from touchstone.checks.evaluation.audits.plan_lock import plan_lock
from touchstone.records import Note, PlanItem
from touchstone.text import Text


def planned(*items: PlanItem) -> dict[str, object]:
    return {"plan": HONEST.plan.model_copy(update={"items": items})}


def test_a_run_in_good_order():
    assert values(plan_lock, HONEST) == {"planned_items_reported": 1, "results_before_plan": 0}


def test_a_check_that_cannot_run_is_reported_by_its_reason():
    first, second = HONEST.items
    refused = second.model_copy(update={"runs": False, "reason": Note(code="x", text=Text("why", "原因"))})
    record = replace(HONEST, observations={FIRST: HONEST.observations[FIRST]})
    assert values(plan_lock, replace(record, **planned(first, refused)))["planned_items_reported"] == 1
    silent = refused.model_copy(update={"reason": None})
    assert values(plan_lock, replace(record, **planned(first, silent)))["planned_items_reported"] == 0.5
    assert values(plan_lock, record)["planned_items_reported"] == 0.5


@pytest.mark.parametrize(("after", "early"), [(-0.001, 1), (0.0, 0), (3600.0, 0)])
def test_a_check_is_early_if_it_began_before_the_log_held_the_plan(after: float, early: int):
    executions = {**HONEST.executions, SECOND: execution(SECOND, after=timedelta(seconds=after))}
    assert values(plan_lock, replace(HONEST, executions=executions))["results_before_plan"] == early


def test_a_result_without_the_record_of_its_run_may_be_older_than_the_plan():
    executions = {FIRST: HONEST.executions[FIRST]}
    assert values(plan_lock, replace(HONEST, executions=executions))["results_before_plan"] == 1
    assert values(plan_lock, replace(HONEST, executions={}))["results_before_plan"] == 2


@pytest.mark.parametrize("change", [None, {"signed": False}, {"logged": False}, {"logged": None}, {"by": None}])
def test_without_a_lock_that_holds_nothing_is_said_about_the_order(change: dict[str, object] | None):
    assert HONEST.lock is not None
    record = replace(HONEST, lock=None if change is None else replace(HONEST.lock, **change))
    observation = observe(plan_lock, record)
    assert [metric.id for metric in observation.metrics] == ["planned_items_reported"]
    assert [warning.code for warning in observation.warnings] == ["plan-not-on-log"]


def test_a_plan_of_nothing_is_no_plan():
    observation = observe(plan_lock, replace(HONEST, **planned()))
    assert observation.error is not None
    assert observation.error.code == "unavailable"
