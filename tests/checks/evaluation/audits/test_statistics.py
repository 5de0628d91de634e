from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.evaluation.audits.auditing import observe, values
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, SECOND, altered
from touchstone.checks.evaluation.audits.statistics import statistics
from touchstone.checks.run_record import RunRecord
from touchstone.records import Metric, StoppingLimit


def run_of(metrics: Sequence[Metric], limits: Sequence[StoppingLimit] = ()) -> RunRecord:
    """The first made-up check with other metrics and limits, alone."""
    item = HONEST.items[0].model_copy(update={"limits": tuple(limits)})
    observation = HONEST.observations[FIRST].model_copy(update={"metrics": tuple(metrics)})
    return replace(HONEST, plan=HONEST.plan.model_copy(update={"items": (item,)}), observations={FIRST: observation})


def rate(value: str, low: str | None, high: str | None, **more: object) -> Metric:
    given = {"id": "rate", "unit": "share", "method": "clopper-pearson", "n": 100, "better": "lower"}
    return Metric.model_validate({**given, "value": value, "low": low, "high": high, **more})


def limit(op: str, value: str, bound: str) -> StoppingLimit:
    return StoppingLimit.model_validate({"metric": "rate", "op": op, "value": value, "bound": bound})


@pytest.mark.parametrize(
    ("op", "threshold", "bound", "width"),
    [
        ("<=", "0.5", "upper", "0"),  # passes, however wide
        ("<=", "0.05", "upper", "0"),  # fails, however wide
        ("<=", "0.3", "upper", "0.2"),  # open: from the estimate up to the bound that would have to meet it
        (">=", "0.15", "lower", "0.1"),
        ("<=", "0.3", "point", "0.2"),  # the estimate meets it, the interval leaves it open
        ("<=", "0.5", "point", "0"),
    ],
)
def test_only_an_interval_that_leaves_its_limit_open_counts_against_the_sample(
    op: str, threshold: str, bound: str, width: str
):
    found = values(statistics, run_of([rate("0.2", "0.1", "0.4")], [limit(op, threshold, bound)]))
    assert found["interval_half_width"] == Decimal(width)
    assert found["widest_half_width"] == (Decimal("0.2") if op == "<=" else Decimal("0.1"))


@pytest.mark.parametrize(
    ("metric", "share"),
    [
        (rate("0.2", None, None), 0),
        (rate("0.2", "0.1", None), 0),  # the side that the limit is compared with is missing
        (rate("0.2", None, "0.4"), 1),
        (rate("0.2", None, None, method="exact"), 0),  # its limit asks for a bound
        (rate("0.2", "0.1", "0.4", slice="sex=F"), 1),
        (rate("0.2", None, None, slice="sex=F"), 0),
    ],
)
def test_a_sampled_quantity_carries_the_bound_that_decides(metric: Metric, share: int):
    found = values(statistics, run_of([metric], [limit("<=", "0.3", "upper")]))
    assert found["metrics_with_interval"] == share


@pytest.mark.parametrize("change", [{"method": "exact"}, {"method": "census"}, {"unit": "probability"}])
def test_what_is_counted_or_says_its_own_uncertainty_needs_no_interval(change: dict[str, object]):
    whole = run_of([rate("0.2", None, None, id="other", **change), rate("0.2", "0.1", "0.4")])
    assert values(statistics, whole)["metrics_with_interval"] == 1
    observation = observe(statistics, run_of([rate("0.2", None, None, id="other", **change)]))
    assert observation.error is not None
    assert observation.error.code == "unavailable"


def test_seconds_have_no_width_on_the_scale_of_shares():
    slow = rate("20", "1", "90", unit="seconds")
    assert values(statistics, run_of([slow], [limit("<=", "30", "upper")]))["interval_half_width"] == 0


@given(st.permutations([FIRST, SECOND]), st.permutations(range(3)), st.data())
def test_the_order_of_checks_and_metrics_does_not_matter(checks: list[str], positions: list[int], data: st.DataObject):
    unit = st.decimals(0, 1, places=3)
    metrics = []
    for position in range(3):
        low, value, high = sorted(data.draw(st.tuples(unit, unit, unit)))
        metrics.append(rate(str(value), str(low), str(high), id=f"m{position}"))
    first = HONEST.observations[FIRST]
    limits = tuple(limit("<=", "0.5", "upper").model_copy(update={"metric": f"m{each}"}) for each in range(3))
    items = [HONEST.items[0].model_copy(update={"limits": limits}), HONEST.items[1]]

    def arranged(order: Sequence[str], shown: Sequence[Metric]) -> RunRecord:
        both = {FIRST: first.model_copy(update={"metrics": tuple(shown)}), SECOND: HONEST.observations[SECOND]}
        plan = HONEST.plan.model_copy(update={"items": tuple(sorted(items, key=lambda i: order.index(i.check.id)))})
        return replace(HONEST, plan=plan, observations={check: both[check] for check in order})

    before = observe(statistics, arranged([FIRST, SECOND], metrics))
    after = observe(statistics, arranged(checks, [metrics[position] for position in positions]))
    assert after.to_bytes() == before.to_bytes()  # numbers and annex alike


def test_an_altered_rate_is_the_widest():
    record = replace(
        HONEST, observations={**HONEST.observations, SECOND: altered(HONEST.observations[SECOND], low="0.6")}
    )
    assert values(statistics, record)["interval_half_width"] == Decimal("0.3")
