"""What a risk register and its acceptances come to for one state of a system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from touchstone.checks.governance.recorded_state import PresentState
from touchstone.checks.governance.threat_families import ThreatFamily, without_entry
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.records import Metric
from touchstone.system.registers.risk_acceptances import RiskAcceptance
from touchstone.system.registers.risks import Risk
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class RiskRecords:
    """Both registers, and what they are compared with."""

    risks: tuple[Risk, ...]
    acceptances: tuple[RiskAcceptance, ...]
    state: PresentState
    families: tuple[ThreatFamily, ...]
    """Threats that apply to the system."""
    day: date
    """Day up to which the records reach."""

    def open_risks(self) -> dict[str, Risk]:
        """Risks that did not end, by name."""
        return {risk.id: risk for risk in self.risks if risk.closed is None}

    def standing(self) -> list[RiskAcceptance]:
        """The last acceptance of each risk that did not end, and any of a risk that nobody knows.

        An acceptance that was renewed or revoked is history.
        """
        ended = {risk.id for risk in self.risks} - self.open_risks().keys()
        last: dict[str, RiskAcceptance] = {}
        for acceptance in sorted(self.acceptances, key=lambda each: (each.accepted, each.id)):
            if acceptance.revoked is None and acceptance.risk not in ended:
                last[acceptance.risk] = acceptance
        return list(last.values())


def audit_risks(records: RiskRecords) -> Audit:
    """Count what is accepted wrongly, no longer, or not at all."""
    remarks = Remarks()
    standing, open_risks = records.standing(), records.open_risks()
    flawed = 0
    for acceptance in standing:
        objections = list(_objections(acceptance, open_risks.get(acceptance.risk), records))
        flawed += bool(objections)
        for code, why in objections:
            remarks.add(code, acceptance.id, why)
    accepted = {acceptance.risk for acceptance in standing}
    flawed += _unaccepted(records, accepted, remarks)
    flawed += _twice(records, remarks)
    missing = without_entry(records.families, (threat for risk in open_risks.values() for threat in risk.threats))
    for family in missing:
        what = Text(
            f"no open risk names a threat of the family {family.name.en}", f"无未关闭风险涉及“{family.name.zh}”类威胁"
        )
        remarks.say("threat-without-risk", what)
    borne = [acceptance.until - acceptance.accepted for acceptance in standing]
    borne += [
        risk.due - risk.identified
        for risk in open_risks.values()
        if risk.id not in accepted and risk.residual != "none" and risk.due is not None
    ]
    longest = max((time.days for time in borne), default=0)
    metrics = (
        Metric(
            id="expired_or_orphan_acceptances", unit="count", value=flawed, n=len(records.acceptances), better="lower"
        ),
        Metric(id="acceptance_max_days", unit="days", value=longest, n=len(borne), better="lower"),
        Metric(id="threats_without_risk", unit="count", value=len(missing), n=len(records.families), better="lower"),
    )
    return Audit(metrics, remarks.notes())


def _objections(acceptance: RiskAcceptance, risk: Risk | None, records: RiskRecords) -> Iterator[tuple[str, Text]]:
    if risk is None:
        yield "risk-unknown", Text(f"no risk is called {acceptance.risk}", f"不存在名为 {acceptance.risk} 的风险")
    elif acceptance.accepted < risk.identified:
        yield (
            "accepted-before-identified",
            Text(f"{risk.id} was identified only on {risk.identified}", f"{risk.id} 于 {risk.identified} 才被识别"),
        )
    if acceptance.accepted_by == acceptance.requested_by:
        yield "accepted-by-requester", Text("accepted by whoever asked for it", "接受人即申请人")
    other = records.state.difference(acceptance.state)
    if other is not None:
        yield "accepted-for-another-state", other
    if acceptance.until < records.day:
        yield "acceptance-expired", Text(f"ended on {acceptance.until}", f"已于 {acceptance.until} 到期")


def _unaccepted(records: RiskRecords, accepted: set[str], remarks: Remarks) -> int:
    """What remains of a risk after its treatment, or after the day on which it should have been treated."""
    bare = [
        risk
        for risk in records.open_risks().values()
        if risk.id not in accepted and risk.residual != "none" and (risk.due is None or risk.due < records.day)
    ]
    for risk in bare:
        why = (
            Text("what remains is accepted by nobody", "剩余风险无人接受")
            if risk.due is None
            else Text(f"not treated by {risk.due}, and accepted by nobody", f"至 {risk.due} 仍未处置，且无人接受")
        )
        remarks.add("risk-not-accepted", risk.id, why)
    return len(bare)


def _twice(records: RiskRecords, remarks: Remarks) -> int:
    """Two entries of one name: nobody can say which of them was accepted."""
    names = Counter([risk.id for risk in records.risks])
    names.update(acceptance.id for acceptance in records.acceptances)
    twice = sorted(name for name, times in names.items() if times > 1)
    for name in twice:
        remarks.add("name-used-twice", name, Text("is the name of several entries", "多个条目使用同一编号"))
    return len(twice)
