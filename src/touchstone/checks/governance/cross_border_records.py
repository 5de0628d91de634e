"""What the registers of data flows show: each flow decided, compared with its filings and with the description."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from touchstone.checks.governance.flow_decisions import Decided, Declared, decide_flows
from touchstone.checks.governance.flow_filings import Filings, persons_by_filing
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.records import Metric
from touchstone.standard.decision_table import ASK
from touchstone.standard.decision_table_pack import LawTable
from touchstone.system.registers.filings import Filing
from touchstone.system.registers.flows import Flow
from touchstone.text import Text

HGR_REVIEW = "security_review_hgr"


@dataclass(frozen=True)
class FlowRecords:
    """The registers, and what they are compared with."""

    flows: tuple[Flow, ...]
    filings: tuple[Filing, ...]
    tables: Mapping[str, LawTable]
    day: date
    """How far the records reach."""
    declared: Declared
    files: frozenset[str] = frozenset()
    """Files handed in with the system."""
    personal: Mapping[str, bool] = field(default_factory=dict)
    """Data sets that are declared to hold personal information, and whether any of it is sensitive."""
    exported: Text | None = None
    """That the description says that data leave."""
    countries: Mapping[str, Text] = field(default_factory=dict)
    """Foreign jurisdictions the description names, and what is there: the model went there, and that is a flow."""


@dataclass(frozen=True, slots=True)
class _Names:
    """How often each name is given."""

    flows: Counter[str]
    filings: Counter[str]


@dataclass(frozen=True)
class FlowFinding:
    """One flow, what was decided, and why it has no valid basis; `None` where it has one."""

    decided: Decided
    flaw: str | None
    why: Text | None
    uncovered: frozenset[str]
    """Outcomes that need a filing and have none, or may need one."""


def findings(records: FlowRecords) -> tuple[FlowFinding, ...]:
    """Every flow with the first reason, if any, for which it has no valid basis."""
    decided = decide_flows(records.flows, records.tables, records.declared)
    by_id = {filing.id: filing for filing in records.filings}
    filings = Filings(by_id, records.files, records.day, persons_by_filing(decided))
    names = _Names(Counter(each.id for each in records.flows), Counter(each.id for each in records.filings))
    return tuple(_finding(each, records, filings, names) for each in decided)


def audit_flows(records: FlowRecords, found: tuple[FlowFinding, ...] | None = None) -> Audit:
    """Flows without a valid basis, each named with the reason. `found` saves deciding them twice."""
    found = findings(records) if found is None else found
    remarks = Remarks()
    for each in found:
        if each.flaw is not None and each.why is not None:
            remarks.add(each.flaw, each.decided.flow.id, each.why)
    missing = 1 if records.exported is not None and not records.flows else 0
    if records.exported is not None and missing:
        remarks.say("export-not-recorded", records.exported)
    reached = {flow.country.split("-")[0] for flow in records.flows}
    for country, what in sorted(records.countries.items()):
        if country not in reached:
            missing += 1
            remarks.add("no-flow-to-country", country, what)
    for table in used_tables(found):
        if table.stale(records.day):
            remarks.say("law-not-compared", stale_text(table.pack.title.text, table.pack.recheck_by))
    return Audit((*_metrics(found, missing),), remarks.notes())


def used_tables(found: Iterable[FlowFinding]) -> tuple[LawTable, ...]:
    """Every table that decided a flow, once."""
    return tuple(dict.fromkeys(each.decided.table for each in found if each.decided.table is not None))


def stale_text(title: Text, recheck_by: str) -> Text:
    """That nobody has compared a pack with the law for too long."""
    return Text(
        f"{title.en}: unverified since {recheck_by}; install a newer pack",
        f"{title.zh}：自 {recheck_by} 起未再核对，请安装更新的数据包",
    )


def _metrics(found: tuple[FlowFinding, ...], missing: int) -> Iterator[Metric]:
    without = missing + sum(each.flaw is not None for each in found)
    yield Metric(id="flows_without_valid_basis", unit="count", value=without, n=len(found), better="lower")
    if found:
        reviewed = [HGR_REVIEW not in each.uncovered for each in found if _may_need(each.decided, HGR_REVIEW)]
        yield Metric(
            id="hgr_security_review_done", unit="bool", value=int(all(reviewed)), n=len(reviewed), better="higher"
        )


def _may_need(decided: Decided, outcome: str) -> bool:
    """Whether a flow needs what that outcome asks for, or may need it once more is known."""
    if decided.decision is None:
        return False
    return outcome in (*decided.decision.adds, *(rule.outcome for rule in decided.decision.open))


def _finding(decided: Decided, records: FlowRecords, filings: Filings, names: _Names) -> FlowFinding:
    uncovered = {
        outcome: why
        for outcome, accepts in decided.needs
        if (why := filings.why_uncovered(decided, accepts)) is not None
    }
    flaws = chain(_flaws(decided, records, names), _uncovered(decided, uncovered))
    flaw, why = next(flaws, (None, None))
    undecided = {rule.outcome for rule in decided.decision.open} if decided.decision is not None else set()
    return FlowFinding(decided, flaw, why, frozenset(uncovered.keys() | undecided))


def _flaws(decided: Decided, records: FlowRecords, names: _Names) -> Iterator[tuple[str, Text]]:
    """What leaves one flow without a valid basis whatever its filings cover, the plainest first."""
    flow = decided.flow
    if names.flows[flow.id] > 1:
        yield "flow-name-twice", Text("is the name of several flows", "编号重复")
    yield from _contradictions(flow, records)
    if decided.decision is None:
        yield (
            "no-law-for-origin",
            Text(f"no table decides exports from {flow.origin}", f"没有判定 {flow.origin} 出境的判定表"),
        )
    elif decided.outcome == ASK:
        asked = decided.decision.questions[0]
        yield "fact-missing", Text(f"{asked.name}: {asked.question.en}", f"{asked.name}：{asked.question.zh}")
    for name in flow.filings:
        if name not in names.filings:
            yield "filing-unknown", Text(f"names the filing {name}, which is not there", f"所列手续 {name} 不存在")
        elif names.filings[name] > 1:
            yield (
                "filing-name-twice",
                Text(f"names {name}, which several filings are called", f"所列手续编号 {name} 重复"),
            )


def _uncovered(decided: Decided, reasons: Mapping[str, Text]) -> Iterator[tuple[str, Text]]:
    """That a procedure is needed which no filing covers."""
    for outcome, why in reasons.items():
        if decided.table is not None:
            title = decided.table.pack.outcomes[outcome].title
            yield "not-covered", Text(f"{title.en} needed, but {why.en}", f"须办理{title.zh}，但{why.zh}")


def _contradictions(flow: Flow, records: FlowRecords) -> Iterator[tuple[str, Text]]:
    """Where a flow says less than the description does."""
    if flow.exporter_cii is False and records.declared.cii:
        yield (
            "contradicts-description",
            Text(
                "denies critical infrastructure, which the description states",
                "否认关键信息基础设施身份，与系统描述矛盾",
            ),
        )
    for role in flow.data_sets:
        if role not in records.personal:
            continue
        if flow.personal is False:
            yield (
                "contradicts-data-set",
                Text(
                    f"denies personal information, which the {role} data hold", f"否认含个人信息，而 {role} 数据集含有"
                ),
            )
        elif records.personal[role] and flow.sensitive_persons == 0:
            yield (
                "contradicts-data-set",
                Text(
                    f"counts no sensitive information, which the {role} data hold",
                    f"敏感个人信息人数为零，而 {role} 数据集含有敏感个人信息",
                ),
            )
