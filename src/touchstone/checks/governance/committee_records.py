"""What a committee's registers come to for one state of a system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from touchstone.checks.governance.committee_votes import CATEGORIES, Count, counted, voting_members
from touchstone.checks.governance.recorded_state import PresentState
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.methods.calendar import months_between
from touchstone.records import Metric
from touchstone.system.registers.committee import Committee
from touchstone.system.registers.committee_decisions import CommitteeDecision
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class CommitteeRecords:
    """Both registers, and what they are compared with."""

    committee: Committee
    decisions: tuple[CommitteeDecision, ...]
    state: PresentState
    supplier: str
    day: date
    """Day up to which the records reach."""

    @property
    def in_service_since(self) -> date | None:
        """The earliest day that any register gives."""
        stated = (self.committee.in_service_since, self.state.released)
        return min((day for day in stated if day is not None), default=None)

    def about_this_state(self) -> list[Count]:
        """The decisions about the system as it was handed in, counted anew, oldest first."""
        relevant = [each for each in self.decisions if self.state.difference(each.state) is None]
        ordered = sorted(relevant, key=lambda decision: (decision.at, decision.id))
        return [counted(decision, self.committee, self.supplier) for decision in ordered]


def audit_committee(records: CommitteeRecords) -> Audit:
    """Count members, the worst decision about this state, and the time since the last."""
    remarks = Remarks()
    counts = records.about_this_state()
    for decision in records.decisions:
        other = records.state.difference(decision.state)
        if other is not None:
            remarks.add("decision-on-another-state", decision.id, other)
    if not counts:
        remarks.say(
            "no-decision-on-this-state",
            Text("the committee decided nothing about the system under test", "委员会未就被测系统的当前状态作出决定"),
        )
    for count in counts:
        _remark(count, records.day, remarks)
    _remark_members(records, remarks)
    in_time = _decided_before_service(records, counts, remarks)
    days = [records.day, *(count.decision.day for count in counts)]
    members = min(len(voting_members(records.committee, day)) for day in days)
    metrics = (
        _metric("members", "persons", members, len(records.committee.members)),
        _metric(
            "present_for_decision", "persons", min((len(each.attending) for each in counts), default=0), len(counts)
        ),
        _metric(
            "absent_categories",
            "count",
            max((len(each.absent) for each in counts), default=len(CATEGORIES)),
            len(counts),
            better="lower",
        ),
        _metric("approval_share_of_present", "share", _approval(counts, records.day) if in_time else 0.0, len(counts)),
        *_since_follow_up(records, counts),
    )
    return Audit(metrics, remarks.notes())


def lapsed(decision: CommitteeDecision, day: date) -> bool:
    """Whether a condition of the approval was due and is not met."""
    return any(
        condition.due < day and (condition.met is None or condition.met > day) for condition in decision.conditions
    )


def _approval(counts: list[Count], day: date) -> float:
    """The weakest approval, and the last word: what was refused before it was approved does not count for ever."""
    if not counts:
        return 0.0
    announced = [count for count in counts if count.decision.outcome == "approved" or count is counts[-1]]
    return min(
        0.0 if count.decision.outcome != "approved" or lapsed(count.decision, day) else count.share
        for count in announced
    )


def _decided_before_service(records: CommitteeRecords, counts: list[Count], remarks: Remarks) -> bool:
    start = records.in_service_since
    approvals = [count for count in counts if count.decision.outcome == "approved"]
    if start is None or not approvals or approvals[0].decision.day <= start:
        return True
    first = approvals[0].decision
    remarks.add(
        "in-service-before-decision",
        first.id,
        Text(f"decided on {first.day}, in service since {start}", f"决定于 {first.day}，而系统自 {start} 已投入使用"),
    )
    return False


def _since_follow_up(records: CommitteeRecords, counts: list[Count]) -> tuple[Metric, ...]:
    last = counts[-1].decision.day if counts else records.in_service_since
    if last is None:
        return ()
    months = max(months_between(last, records.day), 0.0)
    return (_metric("months_since_follow_up", "months", months, len(counts), better="lower"),)


def _remark(count: Count, day: date, remarks: Remarks) -> None:
    decision = count.decision
    for person, why in count.uncounted:
        remarks.add("vote-not-counted", decision.id, Text(f"{person} {why.en}", f"{person} {why.zh}"))
    if decision.outcome == "approved" and count.share <= 0.5:
        remarks.add(
            "outcome-against-votes",
            decision.id,
            Text(
                f"announced as approved with {count.in_favour} of {len(count.attending)} in favour",
                f"宣布通过，但 {len(count.attending)} 人中仅 {count.in_favour} 人赞成",
            ),
        )
    if count.absent:
        listed = ", ".join(count.absent)
        remarks.add(
            "category-absent", decision.id, Text(f"nobody present for {listed}", f"缺少以下类别的成员：{listed}")
        )
    if any(vote.vote == "against" and vote.reason is None for vote in decision.votes):
        remarks.add(
            "dissent-without-reason",
            decision.id,
            Text("a vote against is recorded without its reason", "反对票未记录理由"),
        )
    if lapsed(decision, day):
        remarks.add(
            "condition-not-met",
            decision.id,
            Text("a condition of the approval was due and is not met", "批准所附条件已到期而未满足"),
        )


def _remark_members(records: CommitteeRecords, remarks: Remarks) -> None:
    sexes = [member.sex for member in records.committee.members if member.in_office(records.day) and not member.adviser]
    if sexes and None not in sexes and len(set(sexes)) == 1:
        remarks.say("one-sex", Text("all members are of one sex", "全部成员为同一性别"))


def _metric(name: str, unit: str, value: float, n: int, *, better: Literal["higher", "lower"] = "higher") -> Metric:
    return Metric(id=name, unit=unit, value=value, n=n, better=better)
