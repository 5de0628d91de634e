from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.evaluation.audits.auditing import observe, values
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, altered
from touchstone.checks.evaluation.audits.rerun import CHEAP_SECONDS, SHARE, drawn, rerun
from touchstone.records import CheckIdentity, Plan


def plan_of(*seconds: int) -> Plan:
    """One check for each estimate."""
    items = [
        HONEST.items[0].model_copy(
            update={"check": CheckIdentity(id=f"check.{index}", version="1"), "estimated_seconds": estimate}
        )
        for index, estimate in enumerate(seconds)
    ]
    return HONEST.plan.model_copy(update={"items": tuple(items)})


def test_equal_runs_agree():
    assert values(rerun, HONEST) == {"verdict_agreement": 1, "metric_deviation": 0}


@pytest.mark.parametrize(
    ("change", "agreement", "deviation"),
    [
        ({"value": "0.905"}, "1", "0.005"),  # moved, the decision stands
        ({"value": "0.89", "low": "0.84"}, "0.5", "0.01"),  # the bound no longer meets the limit
        ({"unit": "seconds", "value": "0.5"}, "1", "0.4"),
        ({"id": "another"}, "0.5", "0"),  # something else was measured
    ],
)
def test_what_moved_between_the_runs(change: dict[str, object], agreement: str, deviation: str):
    reruns = {**HONEST.reruns, FIRST: altered(HONEST.reruns[FIRST], **change)}
    found = values(rerun, replace(HONEST, reruns=reruns))
    assert found == {"verdict_agreement": Decimal(agreement), "metric_deviation": Decimal(deviation)}


def test_a_check_that_was_drawn_and_not_run_again_does_not_agree():
    assert values(rerun, replace(HONEST, reruns={}))["verdict_agreement"] == 0


def test_no_difference_is_written_in_one_way_only():
    """The zero that remains of two decimals has their places: whoever repeats the audit must get the same bytes."""
    (rate,) = HONEST.observations[FIRST].metrics
    more = [rate.model_copy(update={"id": f"m{n}", "value": Decimal(f"0.{'1' * n}")}) for n in range(1, 9)]
    reports = set()
    for metrics in (more, more[::-1]):
        same = HONEST.observations[FIRST].model_copy(update={"metrics": tuple(metrics)})
        record = replace(
            HONEST, observations={**HONEST.observations, FIRST: same}, reruns={**HONEST.reruns, FIRST: same}
        )
        reports |= {exhibit.digest for exhibit in observe(rerun, record).exhibits}
    assert len(reports) == 1


def test_a_check_that_broke_off_gave_nothing_to_repeat():
    broken = HONEST.observations[FIRST].model_copy(update={"status": "error", "metrics": ()})
    record = replace(HONEST, observations={**HONEST.observations, FIRST: broken})
    (agreement, _) = observe(rerun, record).metrics
    assert (agreement.value, agreement.n) == (1, 1)
    second = replace(HONEST, reruns={**HONEST.reruns, FIRST: broken})  # it did not break off the first time
    assert values(rerun, second)["verdict_agreement"] == Decimal("0.5")
    nothing = observe(rerun, replace(HONEST, observations=dict.fromkeys(HONEST.observations, broken)))
    assert nothing.error is not None
    assert nothing.error.code == "unavailable"


def test_where_no_check_ran_nothing_can_be_repeated():
    refused = tuple(item.model_copy(update={"runs": False}) for item in HONEST.items)
    observation = observe(rerun, replace(HONEST, plan=HONEST.plan.model_copy(update={"items": refused})))
    assert observation.error is not None
    assert observation.error.code == "unavailable"


@given(st.lists(st.integers(0, 200), min_size=1, max_size=20))
def test_the_draw_costs_a_fifth_or_little_and_is_never_empty(seconds: list[int]):
    plan = plan_of(*seconds)
    chosen = drawn(plan)
    assert chosen
    assert chosen == drawn(plan)
    cost = {item.check.id: max(item.estimated_seconds, 1) for item in plan.items}
    spent, allowed = sum(cost[check] for check in chosen), max(sum(cost.values()) // SHARE, CHEAP_SECONDS)
    assert spent <= allowed or (len(chosen) == 1 and spent == min(cost.values()))


def test_everything_cheap_is_run_again_and_another_plan_draws_otherwise():
    assert len(drawn(plan_of(*[0] * CHEAP_SECONDS))) == CHEAP_SECONDS
    plan = plan_of(*[5] * 20)
    assert drawn(plan) != drawn(plan.model_copy(update={"tool": "another"}))
