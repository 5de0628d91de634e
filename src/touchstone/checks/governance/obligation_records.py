"""What the register of obligations shows: what was left undecided, and what was not filed in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from touchstone.checks.governance.applicable_law import KnownFacts, known_of
from touchstone.checks.governance.cross_border_records import stale_text
from touchstone.checks.governance.obligation_filings import FilingFinding, filing_findings
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.records import Metric
from touchstone.standard.obligation_pack import Obligation, Regime
from touchstone.standard.obligations import Applicable, Issue, applicable, issues
from touchstone.system.description import FactValue
from touchstone.system.registers.obligation_record import ObligationRecord
from touchstone.text import Text


@dataclass(frozen=True)
class ObligationRecords:
    """The register, the law and the description it is compared with."""

    record: ObligationRecord
    regimes: tuple[Regime, ...]
    described: Mapping[str, FactValue]
    """Facts of the description."""
    day: date
    """How far the records reach."""


@dataclass(frozen=True)
class ObligationReading:
    """Everything that follows from the facts, before what was decided and filed."""

    known: KnownFacts
    found: Applicable
    issues: tuple[Issue, ...]


def reading_of(records: ObligationRecords) -> ObligationReading:
    """Obligations that apply, and what has to be decided about them."""
    known = known_of(records.regimes, records.described, records.record.facts, events=False)
    found = applicable(records.regimes, known.facts, records.day)
    return ObligationReading(known, found, issues(records.regimes, found))


def audit_obligations(records: ObligationRecords) -> Audit:
    """Issues without a decision, obligations nobody knows whether they apply, and filings that are overdue."""
    reading, remarks = reading_of(records), Remarks()
    decided = {name for each in records.record.decisions if each.decided <= records.day for name in each.on}
    open_issues = [issue for issue in reading.issues if issue.id not in decided]
    for issue in open_issues:
        remarks.add(f"{issue.kind}-undecided", issue.id, issue.text)
    for obligation in reading.found.undecided:
        remarks.add("obligation-undecided", obligation.id, _asked(obligation, reading.known.facts))
    for name in reading.known.contradicted:
        remarks.add("contradicts-description", name, Text("the description says otherwise", "与系统描述不一致"))
    for name, why in reading.known.problems:
        remarks.add("fact-not-understood", name, why)
    for name in sorted(decided - {issue.id for issue in reading.issues}):
        remarks.add("decision-about-nothing", name, Text("is not found any more", "已不存在该事项"))
    undecided = len(open_issues) + len(reading.found.undecided) + len(reading.known.contradicted)
    filings = filing_findings(records.record, reading.found, records.day)
    for filing in filings:
        if filing.flaw is not None and filing.why is not None:
            remarks.add(filing.flaw, filing.obligation.id, filing.why)
    for regime in records.regimes:
        if regime.stale(records.day):
            remarks.say("law-not-compared", stale_text(regime.pack.title.text, regime.pack.recheck_by))
    return Audit((*_metrics(undecided, filings, reading),), remarks.notes())


def _asked(obligation: Obligation, facts: Mapping[str, FactValue]) -> Text:
    """The questions whose answers decide whether an obligation applies."""
    questions = [obligation.regime.vocabulary.facts[name].entry.question for name in obligation.needs_now(facts)]
    names = ", ".join(obligation.needs_now(facts))
    return Text(
        f"{names}: {' '.join(question.en for question in questions)}",
        f"{names}：{''.join(question.zh for question in questions)}",
    )


def _metrics(undecided: int, filings: tuple[FilingFinding, ...], reading: ObligationReading) -> Iterator[Metric]:
    looked_at = len(reading.found.applying) + len(reading.found.undecided)
    yield Metric(id="undecided_conflicts", unit="count", value=undecided, n=looked_at, better="lower")
    overdue = sum(each.overdue for each in filings)
    yield Metric(id="overdue_filings", unit="count", value=overdue, n=len(filings), better="lower")
    taken: dict[str, list[int]] = {}
    for each in filings:
        wanted = each.obligation.entry.filing
        if wanted is not None and wanted.metric is not None and each.working_days is not None:
            taken.setdefault(wanted.metric, []).append(each.working_days)
    for name, days in taken.items():
        yield Metric(id=name, unit="working_days", value=max(days), n=len(days), better="lower")
