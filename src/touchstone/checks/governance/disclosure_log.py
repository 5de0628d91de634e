"""What the case log of an intake for flaws comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from touchstone.checks.governance.advisories import CsafDocument, what_is_wrong
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.methods.calendar import WorkingDays
from touchstone.records import Metric
from touchstone.statistics import CONFIDENCE, proportion_bounds
from touchstone.system.registers.disclosure import Disclosure
from touchstone.system.registers.disclosure_cases import DisclosureCase, Dismissal, Tries
from touchstone.text import Text

BY_CHANCE = 1.0 - CONFIDENCE
"""Chance at which fewer appearances after a fix are told from the same flaw as before."""


@dataclass(frozen=True, slots=True)
class DisclosureRecords:
    """Intake, cases, and what they are compared with."""

    setting: Disclosure
    cases: tuple[DisclosureCase, ...]
    advisories: Mapping[str, CsafDocument]
    reports_to_authority: bool
    """Whether vulnerabilities have to be reported to the Chinese authority, as far as is known."""
    day: date
    """Day up to which the records reach."""


def audit_disclosure(records: DisclosureRecords) -> Audit:
    """Working days to answers, hours to the authority, and what was published: the log is all there is, no sample."""
    remarks = Remarks()
    calendar = WorkingDays.of(records.setting.holidays, records.setting.worked_weekends)
    days = max(_days_to_answer(case, records.day, calendar, remarks) for case in records.cases)
    n = len(records.cases)
    for case in records.cases:
        _remark(case, remarks)
    metrics = (
        Metric(
            id="acknowledge_days",
            unit="working_days",
            value=days,
            low=days,
            high=days,
            method="census",
            n=n,
            better="lower",
        ),
        *_authority(records, remarks),
        *_published(records, remarks),
    )
    return Audit(metrics, remarks.notes())


def dismissed(case: DisclosureCase) -> bool:
    """Whether a case was tried, never seen and set aside by two people, and was then neither fixed nor published."""
    in_vain = case.reproduced is not None and tried(case.reproduced) > 0 and case.reproduced.shown == 0
    by_two = case.dismissal is not None and len(set(case.dismissal.by)) > 1
    return in_vain and by_two and case.fixed is None and case.advisory is None


def _days_to_answer(case: DisclosureCase, day: date, calendar: WorkingDays, remarks: Remarks) -> int:
    """Working days from the report to the answer, in the zone of the report; without an answer, those so far."""
    answered = case.acknowledged
    if answered is None or answered < case.received:
        remarks.add("not-acknowledged", case.id, Text("its sender was never answered", "报告人从未得到回复"))
        return calendar.between(case.received.date(), day)
    return calendar.between(case.received.date(), answered.astimezone(case.received.tzinfo).date())


def _authority(records: DisclosureRecords, remarks: Remarks) -> Iterator[Metric]:
    """Hours from the report to that to the authority; so far, if there was none.

    A drill need not be reported, and shows how long it takes where it was. Without a case nothing is shown.
    """
    reported = [
        case for case in records.cases if not dismissed(case) and not (case.drill and case.authority_notified is None)
    ]
    if records.reports_to_authority and reported:
        hours = max(_hours_to_authority(case, records.day, remarks) for case in reported)
        yield Metric(id="miit_report_hours", unit="hours", value=hours, n=len(reported), better="lower")


def _hours_to_authority(case: DisclosureCase, day: date, remarks: Remarks) -> float:
    told = case.authority_notified
    if told is None or told < case.received:
        told = datetime.combine(day, time.min, case.received.tzinfo)
        remarks.add("authority-not-told", case.id, Text("was not reported to the authority", "未向主管部门报送"))
    return max((told - case.received) / timedelta(hours=1), 0.0)


def _published(records: DisclosureRecords, remarks: Remarks) -> Iterator[Metric]:
    """The share of published advisories that a machine can read, and that say what the log says."""
    published = [(case.id, case.advisory) for case in records.cases if case.advisory is not None]
    good = 0
    for name, advisory in published:
        why = what_is_wrong(records.advisories.get(advisory.id), advisory.published)
        good += why is None
        if why is not None:
            remarks.add("advisory-not-readable", name, Text(f"{advisory.id} {why.en}", f"{advisory.id} {why.zh}"))
    if published:
        share = good / len(published)
        yield Metric(id="advisories_readable", unit="share", value=share, n=len(published), better="higher")


def _remark(case: DisclosureCase, remarks: Remarks) -> None:
    for name, moment in case.moments():
        if moment < case.received:
            what = Text(f"{name} comes before the report", f"{name} 早于收到报告的时间")
            remarks.add("before-the-report", case.id, what)
    if case.dismissal is not None:
        _remark_dismissal(case, case.dismissal, remarks)
    elif case.fixed is not None:
        _remark_fix(case, remarks)


def _remark_dismissal(case: DisclosureCase, dismissal: Dismissal, remarks: Remarks) -> None:
    tries = case.reproduced
    if len(set(dismissal.by)) < 2:
        remarks.add("dismissed-by-one", case.id, Text("was set aside by one person", "仅由一人驳回"))
    if tries is None or not tried(tries):
        remarks.add("dismissed-untried", case.id, Text("was set aside without a try", "未经复现尝试即驳回"))
    elif tries.shown:
        what = Text(
            f"was set aside although it showed itself in {tries.shown} of {tried(tries)} tries",
            f"{tried(tries)} 次尝试中出现 {tries.shown} 次，仍被驳回",
        )
        remarks.add("dismissed-although-seen", case.id, what)
    else:
        most = proportion_bounds(0, tried(tries))[1]
        what = Text(
            f"not seen in {tried(tries)} tries, so it may still show itself in up to {most:.1%} of them",
            f"{tried(tries)} 次尝试未见，仍可能以至多 {most:.1%} 的频率出现",
        )
        remarks.add("not-reproduced", case.id, what)


def _remark_fix(case: DisclosureCase, remarks: Remarks) -> None:
    """A flaw that shows itself by chance is fixed if it shows itself less often than before, beyond chance."""
    if case.retested is None or not tried(case.retested):
        remarks.add("fixed-without-retest", case.id, Text("was not tried again after the fix", "修复后未复测"))
    elif case.reproduced is None or not _fewer(case.retested, case.reproduced):
        before = Text("never", "从未") if case.reproduced is None else _counted(case.reproduced)
        after = _counted(case.retested)
        what = Text(
            f"showed itself {after.en} after the fix, {before.en} before: no proof of a fix",
            f"修复后{after.zh}，修复前{before.zh}：不足以证明已修复",
        )
        remarks.add("fix-not-shown", case.id, what)
    if case.advisory is None and not case.drill:
        remarks.add("not-published", case.id, Text("was fixed and not published", "已修复但未公布"))


def _fewer(after: Tries, before: Tries) -> bool:
    from scipy.stats import fisher_exact

    table = [[before.shown, before.not_shown], [after.shown, after.not_shown]]
    return float(fisher_exact(table, alternative="greater").pvalue) <= BY_CHANCE


def tried(tries: Tries) -> int:
    """How often it was tried at all."""
    return tries.shown + tries.not_shown


def _counted(tries: Tries) -> Text:
    n = tried(tries)
    return Text(f"in {tries.shown} of {n} tries", f" {n} 次中出现 {tries.shown} 次")
