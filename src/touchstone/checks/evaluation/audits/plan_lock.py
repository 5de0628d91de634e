"""Was the plan fixed before the first result, and is everything planned accounted for? (EM-01)

A plan that is written after the results can be made to fit them. The signed plan therefore goes on a log before the
first check begins; and a check that was planned and then quietly forgotten is a result that somebody did not like.

Source: ISO/IEC 17025:2017, 7.8 (complete reports); pre-registration as in clinical trials.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from touchstone.checks.declaration import Measurement, MetricDeclaration, Parameters, Run, audit
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, SECOND, execution
from touchstone.checks.run_record import RunRecord
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.text import Text


@audit(
    id="method.plan_lock",
    version="2",
    title=Text("Plan before results", "先有方案后有结果"),
    measures=Text(
        "Whether every check of the signed plan has a result or a stated reason why it has none, and how many checks "
        "began before the log held the plan.",
        "已签名方案中的每项检查是否都有结果或注明无结果的原因，以及有多少检查在方案进入日志之前开始。",
    ),
    cannot_tell=Text(
        "Times are those of the laboratory's own clock: a timestamp or a witness shows them to others. Tests made "
        "outside this program before the plan was written leave no trace here.",
        "所用时间出自实验室自己的时钟，须有时间戳或见证方才能使他人确信。方案写定之前在本程序以外所做的测试，此处无从发现。",
    ),
    remedy=Text(
        "Assess with --key, --log and --log-key into an empty folder, and leave no planned check out.",
        "使用 --key、--log 与 --log-key 在空目录中测评，且不遗漏任何计划中的检查。",
    ),
    source="ISO/IEC 17025:2017, 7.8",
    metrics=(
        MetricDeclaration(
            "planned_items_reported", "share", "higher", Text("Planned checks accounted for", "已交代的计划检查占比")
        ),
        MetricDeclaration(
            "results_before_plan",
            "count",
            "lower",
            Text("Checks begun before the plan was logged", "先于方案入日志的检查数"),
        ),
    ),
)
def plan_lock(record: RunRecord, parameters: Parameters, run: Run) -> Measurement:
    if not record.items:
        raise UnavailableError(Text("nothing was planned", "没有计划任何检查"))
    return Measurement(_metrics(record), controls=(_null(), _planted()), warnings=_remarks(record))


def _metrics(record: RunRecord) -> tuple[Metric, ...]:
    reported = [item.check.id in record.observations if item.runs else item.reason is not None for item in record.items]
    share = Metric(
        id="planned_items_reported",
        unit="share",
        value=sum(reported) / len(reported),
        n=len(reported),
        better="higher",
    )
    if record.lock is None or record.lock.by is None or not record.lock.holds:
        return (share,)
    began = {check: datetime.fromisoformat(each.started) for check, each in record.executions.items()}
    # A result without the record of its run may be older than anything.
    early = [check not in began or began[check] < record.lock.by for check in record.observations.keys() | began.keys()]
    return share, Metric(id="results_before_plan", unit="count", value=sum(early), n=len(early), better="lower")


def _remarks(record: RunRecord) -> tuple[Note, ...]:
    if record.lock is not None and record.lock.holds:
        return ()
    if record.lock is None or record.lock.logged is None:
        text = Text(
            "no log held the plan before the first check; give --key, --log and --log-key",
            "首项检查之前没有日志收录该方案；请提供 --key、--log 与 --log-key",
        )
    else:
        text = Text("the receipt does not show this plan on the log", "回执不能证明该方案已入日志")
    return (Note(code="plan-not-on-log", text=text),)


def _null() -> ControlRun:
    reported, early = _metrics(HONEST)
    return ControlRun(
        kind="null",
        expected=Text("a run in good order is found in good order", "秩序良好的运行应判为良好"),
        seen=Text(f"{reported.value} reported, {early.value} early", f"已交代 {reported.value}，提前 {early.value} 项"),
        passed=reported.value == 1 and early.value == 0,
    )


def _planted() -> ControlRun:
    """One check forgotten, the other begun an hour before its plan."""
    forged = replace(
        HONEST,
        observations={FIRST: HONEST.observations[FIRST]},
        executions={FIRST: execution(FIRST, after=-timedelta(hours=1))},
    )
    reported, early = _metrics(forged)
    return ControlRun(
        kind="planted",
        expected=Text(
            f"a forgotten check ({SECOND}) and one begun before the plan are found",
            "应发现被遗漏的检查与先于方案的检查",
        ),
        seen=Text(f"{reported.value} reported, {early.value} early", f"已交代 {reported.value}，提前 {early.value} 项"),
        passed=reported.value < 1 and early.value == 1,
    )
