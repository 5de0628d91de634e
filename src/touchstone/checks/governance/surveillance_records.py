"""What a plan for surveillance and its reports come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from touchstone.checks.governance.recorded_state import PresentState
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.methods.calendar import months_between
from touchstone.records import Metric
from touchstone.system.registers.surveillance import Signal, SurveillancePlan
from touchstone.system.registers.surveillance_reports import SurveillanceReport
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class SurveillanceRecords:
    """Plan and reports, and what they are compared with."""

    plan: SurveillancePlan
    reports: tuple[SurveillanceReport, ...]
    state: PresentState
    day: date
    """Day up to which the records reach."""

    def about_this_system(self) -> list[SurveillanceReport]:
        """Reports that count: once this version is in service, by the record of releases, those of another do not."""
        released = self.state.released
        return [
            report
            for report in self.reports
            if released is None or report.at < released or self.state.difference(report.state) is None
        ]


@dataclass(frozen=True, slots=True)
class Gap:
    """The longest time in which nobody said anything about a signal, or about any."""

    start: date
    end: date

    @property
    def months(self) -> float:
        return months_between(self.start, self.end)

    @property
    def days(self) -> int:
        return (self.end - self.start).days


def audit_surveillance(records: SurveillanceRecords) -> Audit:
    """The longest silence about any signal, the signals that left their range without a reaction, the plan's gaps."""
    remarks = Remarks()
    gaps = longest_gaps(records)
    behind = 0
    for signal, gap in zip(records.plan.signals, gaps, strict=True):
        if gap.days > signal.every_days:
            behind += 1
            what = Text(
                f"nothing from {gap.start} to {gap.end}, planned every {signal.every_days} days",
                f"{gap.start} 至 {gap.end} 无报告，计划每 {signal.every_days} 天一次",
            )
            remarks.add("behind-plan", signal.name, what)
    silence = longest_silence(records)
    if silence.days > max(gap.days for gap in gaps):
        what = Text(
            f"nothing about any signal from {silence.start} to {silence.end}",
            f"{silence.start} 至 {silence.end} 无任何信号的报告",
        )
        remarks.say("nothing-watched", what)
    unanswered = sum(_unanswered(report, records, remarks) for report in records.reports)
    missing = list(_missing_from_plan(records.plan))
    for element in missing:
        remarks.say("plan-incomplete", element)
    _remark_reports(records, remarks)
    n = len(records.reports)
    metrics = (
        Metric(
            id="months_between_surveillance",
            unit="months",
            value=max(gap.months for gap in (silence, *gaps)),
            n=n,
            better="lower",
        ),
        Metric(id="triggers_without_reaction", unit="count", value=unanswered, n=n, better="lower"),
        Metric(id="plan_elements_missing", unit="count", value=len(missing), n=2, better="lower"),
        Metric(id="signals_behind_plan", unit="count", value=behind, n=len(gaps), better="lower"),
    )
    return Audit(metrics, remarks.notes())


def longest_gaps(records: SurveillanceRecords) -> list[Gap]:
    """For each signal of the plan, the longest time without a report that says something about it.

    It begins with the plan, or the signal, and goes on to the day the records reach: what is not reported yet counts.
    """
    gaps = []
    for signal in records.plan.signals:
        start = max(signal.since or records.plan.since, records.plan.since)
        if start > records.day:  # nobody watches it yet
            start = records.plan.since
        reported = (report.at for report in records.about_this_system() if signal.name in report.values)
        gaps.append(_longest_gap(start, reported, records.day))
    return gaps


def longest_silence(records: SurveillanceRecords) -> Gap:
    """The longest time without a report about any signal: signals that begin one after the other hide no year."""
    planned = {signal.name for signal in records.plan.signals}
    reported = (report.at for report in records.about_this_system() if planned & report.values.keys())
    return _longest_gap(records.plan.since, reported, records.day)


def _longest_gap(start: date, reported: Iterable[date], end: date) -> Gap:
    days = [start, *sorted(day for day in reported if day > start), end]
    earlier, later = max(pairwise(days), key=lambda pair: pair[1] - pair[0])
    return Gap(earlier, later)


def _unanswered(report: SurveillanceReport, records: SurveillanceRecords, remarks: Remarks) -> int:
    """How many signals of a report left their range without the reaction the plan asks for."""
    count = 0
    for signal in records.plan.signals:
        value = report.values.get(signal.name)
        if value is None or not signal.outside(value):
            continue
        why = _objection(signal, report, records.day)
        if why is not None:
            count += 1
            said = f"{signal.name} = {value:g}"
            remarks.add("trigger-without-reaction", report.id, Text(f"{said}: {why.en}", f"{said}：{why.zh}"))
    return count


def _objection(signal: Signal, report: SurveillanceReport, day: date) -> Text | None:
    """Why nothing sufficient followed; `None` if something did, or there is still time for it."""
    reaction = report.reaction
    if reaction is None or reaction.at < report.at:
        if (day - report.at).days <= signal.react_days:
            return None
        return Text("nothing followed", "未作反应")
    if (reaction.at - report.at).days > signal.react_days:
        return Text(
            f"the reaction came after more than {signal.react_days} days", f"超过 {signal.react_days} 天才作出反应"
        )
    if signal.suspends and reaction.what == "continued":
        return Text("service went on although it suspends the certificate", "该信号应暂停证书，却继续使用")
    if reaction.what == "continued" and reaction.by == report.by:
        return Text("whoever reported it let service go on", "报告人自行决定继续使用")
    return None


def _missing_from_plan(plan: SurveillancePlan) -> Iterator[Text]:
    if not any(signal.suspends and (signal.low is not None or signal.high is not None) for signal in plan.signals):
        yield Text("no signal with a range suspends the certificate", "没有设定范围并可暂停证书的信号")
    if plan.retirement is None:
        yield Text("nothing says what becomes of model and data at the end", "未说明退役时模型与数据的处置")


def _remark_reports(records: SurveillanceRecords, remarks: Remarks) -> None:
    planned = {signal.name for signal in records.plan.signals}
    for report in records.reports:
        foreign = ", ".join(sorted(report.values.keys() - planned))
        if foreign:
            remarks.add("signal-not-planned", report.id, Text(f"{foreign} is not in the plan", f"{foreign} 不在计划中"))
    if records.reports:
        last = max(records.reports, key=lambda report: (report.at, report.id))
        other = records.state.difference(last.state)
        if other is not None:
            remarks.add("last-report-on-another-state", last.id, other)
