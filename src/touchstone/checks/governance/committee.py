"""Did a committee decide about this system, with a quorum, before it went into service?

Threat: a system that harms people is put into service because whoever wanted it also approved it, or because an
approval is carried over from an earlier version (Science and technology ethics review measures, Art. 7, 14, 28).

Measured: every decision is counted anew from the single votes. Votes of people without a term, of advisers, of whoever
withdrew, asked for the decision, worked on the system or is paid by its supplier do not count, nor do double votes.
A decision speaks of a system if it names its version and the digests of its model's files. Of all decisions about this
state the worst one decides; an approval with a condition that is overdue is none.

Cannot tell: whether anybody listened. A register shows what was recorded, not that it is true.

Source: Science and technology ethics review measures (trial), Art. 7, 14, 28; ISO/IEC 42001 A.3.2.
"""

from __future__ import annotations

from decimal import Decimal

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.committee_controls import flawed_committees, sound_committee
from touchstone.checks.governance.committee_records import CommitteeRecords, audit_committee
from touchstone.checks.governance.committee_votes import Count
from touchstone.checks.governance.recorded_days import newest_day
from touchstone.checks.governance.recorded_state import present_state
from touchstone.checks.register_controls import register_controls
from touchstone.records import number, plain
from touchstone.system.registers.committee import Committee
from touchstone.system.registers.committee_decisions import CommitteeDecision
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="gov.committee",
    version="1",
    title=Text("Committee for safety and ethics", "安全与伦理委员会"),
    measures=Text(
        "Counts every decision of the committee about this state of the system anew from the single votes: members with"
        " a vote, who was there for the decision and free of a stake in it, which kinds of members were missing, the"
        " share in favour, whether it came before service, and the time since the last one. The worst decision counts.",
        "依据逐人表决记录重新计算委员会就被测系统当前状态作出的每项决定：有表决权的成员数、出席且无利害关系者、"
        "缺席的成员类别、赞成占比、是否先于投入使用，以及距最近一次审议的时间。以最差的一项决定为准。",
    ),
    cannot_tell=Text(
        "A register shows what was recorded, not that it is true: nobody asked the members. Dates are compared with the"
        " newest day in the registers, which need not be today. Of a model behind a service only the version can be"
        " compared.",
        "登记记录只说明记载了什么，不说明其真实：未向成员核实。日期与登记记录中的最新日期比较，未必为当日。"
        "对以服务形式提供的模型，只能核对版本。",
    ),
    remedy=Text(
        "Put this version before the committee with its files' digests, with a quorum of members who have no stake in"
        " it and of every discipline, record each vote, and follow up.",
        "将该版本及其文件摘要提交委员会，由无利害关系且涵盖各专业类别的法定人数审议，记录每一票，并定期跟踪审查。",
    ),
    threats=(),
    source="Science and technology ethics review measures (trial), Art. 7, 14, 28",
    needs=Needs(),
    metrics=(
        MetricDeclaration("members", "persons", "higher", Text("members with a vote", "有表决权的成员数")),
        MetricDeclaration(
            "present_for_decision",
            "persons",
            "higher",
            Text("members present for the decision and free to decide", "出席且可参与表决的成员数"),
        ),
        MetricDeclaration(
            "absent_categories",
            "count",
            "lower",
            Text("kinds of members of whom nobody was present", "无人出席的成员类别数"),
        ),
        MetricDeclaration(
            "approval_share_of_present",
            "share",
            "higher",
            Text("share of those present in favour", "出席者中的赞成占比"),
        ),
        MetricDeclaration(
            "months_since_follow_up",
            "months",
            "lower",
            Text("months since the last decision about this system", "距最近一次审议的月数"),
        ),
    ),
)
def committee(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Count all decisions anew, and show the count."""
    [members] = subject.register(Committee)
    records = CommitteeRecords(
        committee=members,
        decisions=subject.register(CommitteeDecision),
        state=present_state(subject),
        supplier=subject.description.system.supplier.name,
        day=newest_day(subject),
    )
    audit = audit_committee(records)
    sound = sound_committee(run.generator("controls"))
    return Measurement(
        metrics=audit.metrics,
        controls=register_controls(audit_committee, sound, tuple(flawed_committees(sound))),
        exhibits=(run.exhibit("decisions.json", "application/json", _listing(records)),),
        warnings=audit.notes,
    )


def _listing(records: CommitteeRecords) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.committee-decisions/v1",
            "as_of": records.day.isoformat(),
            "decisions": [_counted(count) for count in records.about_this_state()],
        }
    )


def _counted(count: Count) -> dict[str, object]:
    return {
        "id": count.decision.id,
        "at": count.decision.at.isoformat(),
        "announced": count.decision.outcome,
        "attending": sorted(count.attending),
        "in_favour": count.in_favour,
        "share": plain(number(Decimal(count.share))),
        "not_counted": [{"person": person, "why": why.en} for person, why in count.uncounted],
        "absent": list(count.absent),
    }
