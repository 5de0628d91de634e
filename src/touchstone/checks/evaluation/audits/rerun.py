"""Does a second run give the same numbers and the same decisions? (EM-05)

Some of the planned checks, drawn by the digest of the plan, are run once more in fresh workers with the same seeds. The
draw is fixed before any result and costs at most a fifth of what the plan estimates; where everything is cheap, all is
run again.

Source: ISO/IEC 17025:2017, 7.7 (replicate tests); ISO 5725-1:1994 (repeatability conditions).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Parameters, Run, audit
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, altered
from touchstone.checks.evaluation.audits.scale import on_unit_scale
from touchstone.checks.run_record import RunRecord
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Observation, Plan, PlanItem, number, plain
from touchstone.standard.comparing import compare
from touchstone.text import Text

SHARE = 5
"""One part in so many of the estimated effort is spent on running again."""
CHEAP_SECONDS = 10
"""Estimated seconds up to which everything is run again, whatever the share."""

_Named = Mapping[tuple[str, str | None], Metric]


@audit(
    id="method.rerun",
    version="1",
    title=Text("Repetition of the tests", "重复测试"),
    measures=Text(
        "Of some checks, drawn by the digest of the plan and run once more in fresh workers: the share that lead to "
        "the same decisions, and the largest difference of a share between the two runs.",
        "按方案摘要抽取若干检查，在新的工作进程中再次运行：得出相同判定的检查占比，以及两次运行间各比率的最大差值。",
    ),
    cannot_tell=Text(
        "The repetition was made by the same person on the same machine with the same seeds: it shows that results do "
        "not hang on chance, order or load, not that others would get them. `touchstone replicate` lets another "
        "laboratory repeat everything. A check that costs more than a fifth of the run is not repeated. Quantities "
        "with other units, such as times, enter by their decisions only.",
        "重复由同一人在同一机器上以相同随机种子进行：说明结果不取决于偶然、次序或负载，但不能说明他人也会得到相同结果；"
        "其他实验室可用 `touchstone replicate` 复现全部测试。成本超过全程五分之一的检查不予重复。"
        "时间等其他单位的量仅以其判定计入。",
    ),
    remedy=Text(
        "Look in the report of the repetition which metric moved; fix the runtime's threads and randomness.",
        "在重复测试报告中查看变动的指标；固定运行环境的线程与随机性。",
    ),
    source="ISO/IEC 17025:2017, 7.7; ISO 5725-1:1994",
    metrics=(
        MetricDeclaration(
            "verdict_agreement",
            "share",
            "higher",
            Text("Repeated checks with the same decisions", "判定相同的重复检查占比"),
        ),
        MetricDeclaration(
            "metric_deviation", "points", "lower", Text("Largest difference between the runs", "两次运行间的最大差值")
        ),
    ),
)
def rerun(record: RunRecord, parameters: Parameters, run: Run) -> Measurement:
    if not _compared(record):
        raise UnavailableError(Text("no check measured anything that could be repeated", "没有可供重复测量的检查结果"))
    report = [
        {
            "check": check,
            "agrees": _agrees(record, check),
            "same_bytes": check in record.reruns and record.reruns[check] == record.observations.get(check),
            "largest_difference": plain(number(max(_differences(record, check), default=0))),
        }
        for check in _compared(record)
    ]
    exhibit = run.exhibit("rerun-report.json", "application/json", canonical_json(report))
    return Measurement(_metrics(record), controls=(_null(), _planted()), exhibits=(exhibit,))


def drawn(plan: Plan) -> tuple[str, ...]:
    """The checks that are run again: in the order that the plan's digest draws, as many as fit, and at least one."""
    items = [item for item in plan.items if item.runs and not item.audit]
    origin = plan.own_digest()
    order = sorted(items, key=lambda item: hashlib.sha256(f"{origin}\n{item.check.id}".encode()).digest())
    left = max(sum(map(_cost, items)) // SHARE, CHEAP_SECONDS)
    chosen = []
    for item in order:
        if _cost(item) <= left:
            chosen.append(item)
            left -= _cost(item)
    if not chosen and items:
        chosen = [min(order, key=_cost)]
    return tuple(sorted(item.check.id for item in chosen))


def _cost(item: PlanItem) -> int:
    """Estimated seconds; a check without estimate takes about one."""
    return max(item.estimated_seconds, 1)


def _metrics(record: RunRecord) -> tuple[Metric, ...]:
    checks = _compared(record)
    agreeing = sum(_agrees(record, check) for check in checks)
    agreement = Metric(
        id="verdict_agreement", unit="share", value=agreeing / len(checks), n=len(checks), better="higher"
    )
    differences = [difference for check in checks for difference in _differences(record, check)]
    if not differences:
        return (agreement,)
    largest = Metric(id="metric_deviation", unit="points", value=max(differences), n=len(differences), better="lower")
    return agreement, largest


def _compared(record: RunRecord) -> list[str]:
    """The drawn checks, without those that gave no result the first time: there is nothing to repeat."""
    broken = {check for check, observation in record.observations.items() if observation.status == "error"}
    return [check for check in drawn(record.plan) if check not in broken]


def _agrees(record: RunRecord, check: str) -> bool:
    """Whether both runs measured the same things and every limit on them has the same outcome."""
    first, second = record.observations.get(check), record.reruns.get(check)
    if first is None or second is None or first.status != second.status:
        return False
    item = next(item for item in record.items if item.check.id == check)
    return _named(first).keys() == _named(second).keys() and _outcomes(item, first) == _outcomes(item, second)


def _outcomes(item: PlanItem, observation: Observation) -> list[str]:
    overall = {metric.id: metric for metric in observation.metrics if metric.slice is None}
    return [
        compare(limit.op, limit.value, limit.bound, overall[limit.metric])
        for limit in item.limits
        if limit.metric in overall
    ]


def _differences(record: RunRecord, check: str) -> list[Decimal]:
    """By how much each quantity on the unit scale moved."""
    if check not in record.reruns or check not in record.observations:
        return []
    first, second = _named(record.observations[check]), _named(record.reruns[check])
    return [
        abs(first[name].value - second[name].value)
        for name in first
        if name in second and on_unit_scale(first[name].unit)
    ]


def _named(observation: Observation) -> _Named:
    return {(metric.id, metric.slice): metric for metric in observation.metrics}


def _null() -> ControlRun:
    agreement, deviation = _metrics(HONEST)
    return ControlRun(
        kind="null",
        expected=Text("two equal runs are found equal", "两次相同的运行应判为相同"),
        seen=Text(
            f"{agreement.value} agree, moved by {deviation.value}", f"一致 {agreement.value}，变动 {deviation.value}"
        ),
        passed=agreement.value == 1 and deviation.value == 0,
    )


def _planted() -> ControlRun:
    """A rate that falls below its limit in the second run."""
    moved = {**HONEST.reruns, FIRST: altered(HONEST.reruns[FIRST], value="0.80", low="0.77", high="0.83")}
    agreement, deviation = _metrics(replace(HONEST, reruns=moved))
    return ControlRun(
        kind="planted",
        expected=Text("a rate that moved across its limit is found", "应发现跨越限值的变动"),
        seen=Text(
            f"{agreement.value} agree, moved by {deviation.value}", f"一致 {agreement.value}，变动 {deviation.value}"
        ),
        passed=agreement.value < 1 and deviation.value == Decimal("0.1"),
    )
