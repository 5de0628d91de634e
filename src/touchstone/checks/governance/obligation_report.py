"""The report of obligations: what applies at which stage, what collides, what is missing, which facts are open."""

from __future__ import annotations

from typing import Any

from touchstone.checks.governance.decision_record import both
from touchstone.checks.governance.obligation_records import ObligationRecords, reading_of
from touchstone.standard.law import ADVICE
from touchstone.standard.obligation_pack import Obligation


def obligation_report(records: ObligationRecords) -> dict[str, Any]:
    """Plain JSON, in the order of the packs."""
    reading = reading_of(records)
    decisions = {name: each for each in records.record.decisions for name in each.on}
    return {
        "schema": "touchstone.obligation-report/v1",
        "advice": both(ADVICE),
        "records_reach": records.day.isoformat(),
        "packs": [
            {
                "id": regime.pack.id,
                "title": both(regime.pack.title.text),
                "demonstration": regime.pack.demonstration,
                "digest": regime.digest,
                "as_of": regime.pack.as_of,
                "recheck_by": regime.pack.recheck_by,
            }
            for regime in records.regimes
        ],
        "applying": [_row(each) for each in reading.found.applying],
        "undecided": [
            {**_row(each), "questions": list(each.needs_now(reading.known.facts))} for each in reading.found.undecided
        ],
        "not_yet_in_force": [
            {**_row(each), "applies_from": each.instrument.applies_from} for each in reading.found.later
        ],
        "issues": [
            {
                "id": issue.id,
                "kind": issue.kind,
                "obligations": list(issue.obligations),
                "says": both(issue.text),
                "owner": decisions[issue.id].owner if issue.id in decisions else None,
                "decision": decisions[issue.id].decision if issue.id in decisions else None,
            }
            for issue in reading.issues
        ],
    }


def _row(obligation: Obligation) -> dict[str, Any]:
    entry, pack = obligation.entry, obligation.regime.pack
    return {
        "id": obligation.id,
        "stage": both(pack.stages[entry.stage].text),
        "topic": both(pack.topics[entry.topic].text),
        "agencies": [both(pack.agencies[agency].text) for agency in entry.agencies],
        "functions": list(entry.functions),
        "addressee": both(pack.addressees[entry.addressee].text),
        "modality": entry.modality,
        "says": both(entry.says.text),
        "document": obligation.instrument.ref,
        "article": entry.at,
        "binding": obligation.instrument.binding,
        "confidence": entry.confidence,
        "placeholder": entry.placeholder,
    }
