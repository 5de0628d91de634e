"""One measured quantity against one limit: the rule of the house, which decides and tells a check when to stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from touchstone.records import Bound, Decision, Limit, Metric, Operator, Requirement, StoppingLimit
from touchstone.text import Text

Outcome = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A limit that applies, the metric it met (if any), what came of it, and what the metric is called."""

    limit: Limit
    metric: Metric | None
    decision: Decision
    title: Text


def compare(operator: Operator, limit: Decimal, bound: Bound, metric: Metric) -> Outcome:
    """Pass if even the pessimistic bound meets the limit, fail if even the optimistic one misses it.

    A one-sided bound that was not measured decides nothing.
    """

    def meets(value: Decimal) -> bool:
        return value <= limit if operator == "<=" else value >= limit

    if bound in ("point", "exact"):
        return "pass" if meets(metric.value) else "fail"
    pessimistic, optimistic = (metric.high, metric.low) if operator == "<=" else (metric.low, metric.high)
    if pessimistic is not None and meets(pessimistic):
        return "pass"
    if optimistic is not None and not meets(optimistic):
        return "fail"
    return "inconclusive"


def decide(limit: Limit, metric: Metric | None) -> Decision:
    """The decision as it is recorded. A limit on the power of a test is never failed by the system."""
    compared: Decimal | None = None
    outcome: Literal["pass", "fail", "inconclusive", "missing"] = "missing"
    if metric is not None:
        outcome = compare(limit.op, limit.value, limit.bound, metric)
        bounds = {"upper": metric.high, "lower": metric.low}
        compared = bounds.get(limit.bound, metric.value)
        if outcome == "fail" and limit.power:
            outcome = "inconclusive"
    margin = None
    if compared is not None:
        margin = limit.value - compared if limit.op == "<=" else compared - limit.value
    return Decision(
        metric=limit.metric,
        op=limit.op,
        limit=limit.value,
        unit=limit.unit,
        basis=limit.basis,
        bound=limit.bound,
        compared=compared,
        margin=margin,
        outcome=outcome,
    )


def stopping_limits(requirements: Iterable[Requirement], check_metrics: Iterable[str]) -> tuple[StoppingLimit, ...]:
    """The limits on a check's metrics, each once: with them the check knows when more samples decide nothing."""
    measured = set(check_metrics)
    limits: list[StoppingLimit] = []
    for requirement in requirements:
        for limit in requirement.limits:
            stopping = StoppingLimit(metric=limit.metric, op=limit.op, value=limit.value, bound=limit.bound)
            if limit.metric in measured and stopping not in limits:
                limits.append(stopping)
    return tuple(limits)
