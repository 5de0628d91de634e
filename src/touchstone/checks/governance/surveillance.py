"""Is the system watched in service, and does something happen when a signal leaves its range?

Threat: a system that was good when it was certified is good no longer, and nobody looks (EU AI Act Art. 72; ISO/IEC
17065, 7.9 and 7.11).

Measured: for every signal of the plan the longest time without a report that says something about it, from the plan's
first day to the day the records reach; signals that left their range without the reaction the plan asks for in time;
and what the plan leaves out: a signal that suspends, and what becomes of model and data at the end.

Cannot tell: whether the reported values are right.

Source: Regulation (EU) 2024/1689 Art. 72; ISO/IEC 17065:2012 7.9, 7.11; NIST AI RMF MANAGE 4.1.
"""

from __future__ import annotations

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.recorded_days import newest_day
from touchstone.checks.governance.recorded_state import present_state
from touchstone.checks.governance.surveillance_controls import flawed_surveillance, sound_surveillance
from touchstone.checks.governance.surveillance_records import SurveillanceRecords, audit_surveillance
from touchstone.checks.register_controls import register_controls
from touchstone.errors import UnavailableError
from touchstone.system.registers.surveillance import SurveillancePlan
from touchstone.system.registers.surveillance_reports import SurveillanceReport
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="gov.surveillance",
    version="1",
    title=Text("Surveillance in service", "使用期监督"),
    measures=Text(
        "For every signal of the plan, the longest time without a report about it, up to the newest day in the"
        " registers; signals that left their range without the reaction that the plan asks for, or later than it"
        " allows; and whether the plan has a signal that suspends the certificate and says what becomes of model and"
        " data at the end.",
        "对计划中的每一信号，计算截至登记记录最新日期最长的无报告时间；统计越限而未按计划或未及时反应的信号；"
        "并检查计划是否含暂停证书的信号以及退役时模型与数据的处置。",
    ),
    cannot_tell=Text(
        "Values are compared with the plan's own ranges, not measured again. A register shows what was recorded, not"
        " that it is true. A silence counts up to the newest day in the registers, which need not be today.",
        "各取值仅与计划自设范围比较，未重新测量。登记记录只说明记载了什么，不说明其真实。"
        "无报告时间计至登记记录中的最新日期，未必为当日。",
    ),
    remedy=Text(
        "Report every signal as often as the plan says, give each a range, name the one that suspends, decide within"
        " the plan's time by somebody else than whoever reports, and plan the end.",
        "按计划频次报告每一信号并设定范围，指明暂停证书的信号；由报告人以外者在规定时间内作出决定；并规划退役。",
    ),
    threats=(),
    source="Regulation (EU) 2024/1689 Art. 72; ISO/IEC 17065:2012 7.9, 7.11",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "months_between_surveillance",
            "months",
            "lower",
            Text("longest time without a report about a signal", "信号最长无报告时间"),
        ),
        MetricDeclaration(
            "triggers_without_reaction",
            "count",
            "lower",
            Text("signals out of range without the planned reaction", "越限而未按计划反应的信号数"),
        ),
        MetricDeclaration(
            "plan_elements_missing",
            "count",
            "lower",
            Text("what the plan leaves out of suspension and retirement", "计划缺失的要素数（暂停、退役）"),
        ),
        MetricDeclaration(
            "signals_behind_plan",
            "count",
            "lower",
            Text("signals reported less often than planned", "报告频次低于计划的信号数"),
        ),
    ),
)
def surveillance(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compare the reports with the plan and with the calendar."""
    [plan] = subject.register(SurveillancePlan)
    reports, day = subject.register(SurveillanceReport), newest_day(subject)
    if plan.since > day:
        raise UnavailableError(
            Text(
                f"surveillance begins on {plan.since}, after all that is recorded",
                f"监督自 {plan.since} 开始，晚于全部记录",
            ),
            "registers",
            Text("hand in the reports once there are some", "有监督报告后再提交"),
        )
    records = SurveillanceRecords(plan, reports, present_state(subject), day)
    audit = audit_surveillance(records)
    sound = sound_surveillance(run.generator("controls"))
    plants = tuple(flawed_surveillance(sound))
    return Measurement(audit.metrics, register_controls(audit_surveillance, sound, plants), warnings=audit.notes)
