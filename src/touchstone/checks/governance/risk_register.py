"""Is every risk that remains accepted, by somebody else than whoever asked, for this system and not for ever?

Threat: a risk that was accepted once is carried on when the system, the time or the people have changed
(ISO/IEC 42001 6.1, 8.2, 8.3; NIST AI RMF MANAGE 1.3, 1.4).

Measured: acceptances that ended, that are of a risk that is not in the register, that whoever asked for them gave, that
were given before the risk was known or for another version or other files; risks of which something remains although
the treatment is done or overdue, and which nobody accepted; the longest time for which a risk is accepted or, without
an acceptance, left to be treated. Beside it, which families of threats that apply to the system no open risk names.

Cannot tell: whether the risks are the right ones, or what this run finds.

Source: ISO/IEC 42001 6.1, 8.2, 8.3; ISO/IEC 23894; NIST AI 100-2 E2025 and MITRE ATLAS for the families of threats.
"""

from __future__ import annotations

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.governance.recorded_days import newest_day
from touchstone.checks.governance.recorded_state import present_state
from touchstone.checks.governance.risk_controls import flawed_risks, sound_risks
from touchstone.checks.governance.risk_records import RiskRecords, audit_risks
from touchstone.checks.governance.threat_families import FAMILIES
from touchstone.checks.register_controls import register_controls
from touchstone.errors import UnavailableError
from touchstone.system.registers.risk_acceptances import RiskAcceptance
from touchstone.system.registers.risks import Risk
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="gov.risk_register",
    version="1",
    title=Text("Risk register and acceptances", "风险台账与风险接受"),
    measures=Text(
        "Compares every acceptance of a risk with the register, the system and the calendar: ended, of an unknown risk,"
        " given by whoever asked for it, before the risk was known, or for another version or other files. Risks of"
        " which something remains and which nobody accepted count as well. Names the families of threats that apply to"
        " the system and that no risk names.",
        "将每项风险接受与台账、系统及日期核对：是否到期、所涉风险是否存在、是否由申请人自行接受、"
        "是否早于风险识别、是否针对其他版本或文件；仍有剩余而无人接受的风险一并计入。"
        "并列出适用于该系统而台账未提及的威胁类别。",
    ),
    cannot_tell=Text(
        "A register shows what was recorded, not that it is true or complete. What this run finds is not known to this"
        " check: whether every failed control has its entry, a person has to compare. Dates are compared with the"
        " newest day in the registers, which need not be today.",
        "登记记录只说明记载了什么，不说明其真实或完整。本检查项不知晓本次测评的其他发现："
        "各未通过项是否均已入账须由人工核对。日期与登记记录中的最新日期比较，未必为当日。",
    ),
    remedy=Text(
        "Enter every threat that applies and every finding, treat it, and let a person who did not ask for it accept"
        " what remains: for this version and its files' digests, until a named day. Accept anew after changes.",
        "将适用的威胁与各项发现入账并处置；剩余风险由申请人以外的人员针对该版本及其文件摘要限期接受；"
        "每次变更后重新接受。",
    ),
    threats=(),
    source="ISO/IEC 42001 6.1, 8.2, 8.3; NIST AI RMF MANAGE 1.4",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "expired_or_orphan_acceptances",
            "count",
            "lower",
            Text("risks accepted no longer, wrongly or not at all", "接受已失效、无效或缺失的风险数"),
        ),
        MetricDeclaration(
            "acceptance_max_days",
            "days",
            "lower",
            Text("longest time for which a risk is accepted, or left to be treated", "风险接受或待处置的最长期限"),
        ),
        MetricDeclaration(
            "threats_without_risk",
            "count",
            "lower",
            Text("families of threats that apply and that no risk names", "适用而台账未提及的威胁类别数"),
        ),
    ),
)
def risk_register(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compare the registers with each other, with the system and with the calendar."""
    risks = subject.register(Risk)
    if not risks:
        raise UnavailableError(
            Text("the risk register is empty", "风险台账为空"),
            "registers",
            Text("enter at least the threats that apply", "请至少登记适用的威胁"),
        )
    records = RiskRecords(
        risks=risks,
        acceptances=subject.register(RiskAcceptance),
        state=present_state(subject),
        families=tuple(family for family in FAMILIES if family.applies(subject)),
        day=newest_day(subject),
    )
    audit = audit_risks(records)
    sound = sound_risks(run.generator("controls"))
    plants = tuple(flawed_risks(sound, run.generator("plants")))
    return Measurement(audit.metrics, register_controls(audit_risks, sound, plants), warnings=audit.notes)
