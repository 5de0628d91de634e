"""Reports for the AI Vulnerability Database (AVID), one per failed control.

Field names and the vocabulary of the SEP view are those of `avidtools`; its taxonomy is version 0.2. AVID numbers
its reports itself, so `report_id` is left to it.
"""

from __future__ import annotations

from typing import Any, Final

from touchstone.canonical import canonical_json
from touchstone.evidence.projections.source import Source, named_information
from touchstone.interchange import both
from touchstone.records import Decision, Finding, Observation, Verdict, plain

_DOMAINS: Final = {"S": "Security", "E": "Ethics", "P": "Performance"}
_VIEWS: Final = {
    "data.manifest": "P0104: Data quality issues",
    "fair.group_metrics": "E0101: Group fairness",
    "model.format_scan": "S0201: Model Compromise",
    "model.performance": "P0204: Accuracy",
    "privacy.membership_inference": "S0301: Information Leak",
    "robust.adversarial": "S0403: Adversarial Example",
    "robust.calibration": "P0200: Model issues",
    "robust.corruption": "P0201: Resilience/ Stability",
    "robust.text": "S0403: Adversarial Example",
}
"""Where a check's failures belong in AVID's software-ethics-performance view."""

Json = dict[str, Any]


def reports(source: Source) -> dict[str, bytes]:
    """The report on every failed control, by control."""
    return {
        found.control: canonical_json(_report(source, found))
        for found in source.assessment.findings
        if found.verdict is Verdict.FAIL
    }


def _report(source: Source, found: Finding) -> Json:
    system = source.assessment.system
    observed = source.observed(found)
    requirement = source.requirement(found.control)
    made_up = " Made up, for demonstration only. / 虚构，仅供演示。" * system.synthetic
    report: Json = {
        "data_type": "AVID",
        "data_version": "0.2",
        "affects": {
            "developer": [system.supplier],
            "deployer": [],
            "artifacts": [{"type": "System", "name": f"{system.name} {system.version} ({system.digest})"}],
        },
        "problemtype": {
            "classof": "Undefined",
            "type": "Measurement",
            "description": {"lang": "eng", "value": f"{found.control} {requirement.title.en}: {requirement.what.en}"},
        },
        "metrics": [_metric(decision) for decision in found.decisions],
        "references": [
            {
                "type": "source",
                "label": f"Observation of {made.check.id} {made.check.version}",
                "url": named_information(made.own_digest()),
            }
            for made in observed
        ],
        "description": {"lang": "eng", "value": both(found.reason.text) + made_up},
        "impact": {"avid": _taxonomy(observed)},
    }
    if source.ended is not None:
        report["reported_date"] = source.ended[:10]
    return report


def _metric(decision: Decision) -> Json:
    return {
        "name": decision.metric,
        "detection_method": {
            "type": "Static Threshold",
            "name": f"{decision.bound} {decision.op} {plain(decision.limit)} {decision.unit}",
        },
        "results": {
            "outcome": decision.outcome,
            "compared": None if decision.compared is None else plain(decision.compared),
            "limit": plain(decision.limit),
            "basis": decision.basis.kind,
        },
    }


def _taxonomy(observed: list[Observation]) -> Json:
    views = sorted({_VIEWS[made.check.id] for made in observed if made.check.id in _VIEWS})
    return {
        "vuln_id": None,
        "risk_domain": sorted({_DOMAINS[view[0]] for view in views}),
        "sep_view": views,
        "lifecycle_view": ["L05: Evaluation"],
        "taxonomy_version": "0.2",
    }
