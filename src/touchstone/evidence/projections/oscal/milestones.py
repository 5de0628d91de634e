"""What stands open after the assessment, as an OSCAL plan of action and milestones."""

from __future__ import annotations

from typing import Any

from touchstone.evidence.projections.oscal.elements import (
    assets,
    document,
    finding,
    finding_uuid,
    observation,
    observation_uuid,
    risk,
    risk_uuid,
    system_component,
)
from touchstone.evidence.projections.source import Source
from touchstone.interchange import both, identifier
from touchstone.records import Finding, Verdict


def open_findings(source: Source) -> list[Finding]:
    """Every failed control, and every required one that neither passed nor is beside the point."""
    settled = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return [
        found
        for found in source.assessment.findings
        if found.verdict is Verdict.FAIL or (found.required and found.verdict not in settled)
    ]


def plan_of_action(source: Source) -> bytes:
    """One item for every open finding. Raises `ValueError` when there is none: OSCAL has no empty one."""
    found = open_findings(source)
    if not found:
        raise ValueError("nothing stands open")
    failed = [each for each in found if each.verdict is Verdict.FAIL]
    resting = {made.check.id for each in found for made in source.observed(each)}
    observed = [made for check, made in sorted(source.observations.items()) if check in resting]
    body: dict[str, Any] = {
        "system-id": {"identifier-type": "urn:touchstone:system-digest", "id": source.assessment.system.digest},
        "local-definitions": {"components": [system_component(source)], "assessment-assets": assets(source)},
        "findings": [finding(source, each) for each in found],
        "poam-items": [_item(source, each) for each in found],
    }
    if observed:
        body["observations"] = [observation(source, made) for made in observed]
    if failed:
        body["risks"] = [risk(source, each) for each in failed]
    return document(
        "plan-of-action-and-milestones",
        source,
        "Plan of action and milestones",
        source.assessment,
        observed,
        body,
    )


def _item(source: Source, found: Finding) -> dict[str, Any]:
    remedy = "" if found.remedy is None else f"\n\n{both(found.remedy)}"
    item: dict[str, Any] = {
        "uuid": identifier("poam-item", found.own_digest(), source.assessment.plan),
        "title": f"{found.control} {both(source.requirement(found.control).title)}",
        "description": both(found.reason.text) + remedy,
        "related-findings": [{"finding-uuid": finding_uuid(source, found)}],
    }
    if observed := source.observed(found):
        item["related-observations"] = [{"observation-uuid": observation_uuid(made)} for made in observed]
    if found.verdict is Verdict.FAIL:
        item["related-risks"] = [{"risk-uuid": risk_uuid(source, found)}]
    return item
