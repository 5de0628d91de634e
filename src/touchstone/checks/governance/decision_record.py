"""The record of decisions about data flows, with facts, rules and articles, so that anyone can decide again."""

from __future__ import annotations

from typing import Any

from touchstone.checks.governance.cross_border_records import FlowFinding, FlowRecords, used_tables
from touchstone.checks.governance.flow_decisions import Decided
from touchstone.standard.decision_table import AtLeast, Decision, Fact, Overlay, Rule
from touchstone.standard.decision_table_pack import LawTable
from touchstone.standard.law import ADVICE
from touchstone.text import Text

MOST_FLOWS = 5_000
"""Flows the record shows, those without a valid basis first."""


def decision_record(records: FlowRecords, found: tuple[FlowFinding, ...]) -> dict[str, Any]:
    """Plain JSON, flows in the order of the register unless there are too many."""
    shown = found
    if len(found) > MOST_FLOWS:
        shown = tuple(sorted(found, key=lambda each: each.flaw is None))[:MOST_FLOWS]
    return {
        "schema": "touchstone.decision-record/v1",
        "advice": both(ADVICE),
        "records_reach": records.day.isoformat(),
        "tables": [_table(table) for table in used_tables(found)],
        "flows": [_flow(each) for each in shown],
        "flows_left_out": len(found) - len(shown),
    }


def both(text: Text) -> dict[str, str]:
    """A text as JSON."""
    return {"en": text.en, "zh": text.zh}


def _table(table: LawTable) -> dict[str, str]:
    pack = table.pack
    return {"id": pack.id, "digest": table.digest, "as_of": pack.as_of, "recheck_by": pack.recheck_by}


def _flow(found: FlowFinding) -> dict[str, Any]:
    decided, flow = found.decided, found.decided.flow
    return {
        "id": flow.id,
        "day": flow.day.isoformat(),
        "last_day": flow.last_day.isoformat(),
        "way": flow.way,
        "recipient": flow.recipient,
        "country": flow.country,
        "facts": {name: _fact(fact) for name, fact in decided.facts.items() if fact is not None},
        "outcome": decided.outcome,
        "filings": list(flow.filings),
        "valid_basis": found.flaw is None,
        "why": None if found.why is None else both(found.why),
        **({} if decided.decision is None else _decision(decided, decided.decision)),
    }


def _decision(decided: Decided, decision: Decision) -> dict[str, Any]:
    titles = {} if decided.table is None else decided.table.pack.duties
    return {
        "adds": list(decision.adds),
        "possible": list(decision.possible),
        "confidence": decision.confidence,
        "fired": [_basis(rule) for rule in decision.fired],
        "may_still_fire": [_basis(rule) for rule in decision.open],
        "questions": [{"fact": each.name, **both(each.question)} for each in decision.questions],
        "duties": [{"id": duty, **both(titles[duty].text)} for duty in decision.duties],
        "duties_from": [_basis(overlay) for overlay in decision.overlays],
    }


def _basis(rule: Rule | Overlay) -> dict[str, Any]:
    basis = rule.basis
    return {
        "id": rule.id,
        "document": basis.reference,
        "article": basis.at,
        "confidence": basis.confidence,
        "says": both(basis.says),
    }


def _fact(fact: Fact) -> bool | str | int | dict[str, int] | None:
    return {"at_least": fact.number} if isinstance(fact, AtLeast) else fact
