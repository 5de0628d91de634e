"""The assessment as OSCAL assessment results."""

from __future__ import annotations

from typing import Any

from touchstone.evidence.projections.oscal.elements import (
    assets,
    document,
    finding,
    observation,
    prop,
    reviewed_controls,
    risk,
    system_component,
)
from touchstone.evidence.projections.source import Source
from touchstone.interchange import both, identifier
from touchstone.records import Verdict


def assessment_results(source: Source, plan_href: str) -> bytes:
    """Observations, findings of every control that applies, and a risk for every failed one.

    `plan_href` is where the assessment plan lies, relative to this document. Raises `ValueError` when no check ran.
    """
    assessment = source.assessment
    applicable = [found for found in assessment.findings if found.verdict is not Verdict.NOT_APPLICABLE]
    result: dict[str, Any] = {
        "uuid": identifier("result", assessment.own_digest(), str(source.ended)),
        "title": f"{both(assessment.profile.title)}, edition {assessment.profile.edition}",
        "description": both(assessment.summary.text),
        "start": source.started,
        "end": source.ended,
        "props": [
            prop("verdict", assessment.verdict),
            *(prop("coverage", str(count), **{"class": name}) for name, count in assessment.coverage.to_json().items()),
        ],
        "local-definitions": {"components": [system_component(source)], "assessment-assets": assets(source)},
        "reviewed-controls": reviewed_controls(source),
    }
    observed = [made for _, made in sorted(source.observations.items())]
    lists = {
        "observations": [observation(source, made) for made in observed],
        "risks": [risk(source, found) for found in applicable if found.verdict is Verdict.FAIL],
        "findings": [finding(source, found) for found in applicable],
    }
    result |= {name: items for name, items in lists.items() if items}
    body = {"import-ap": {"href": plan_href}, "results": [result]}
    return document("assessment-results", source, "Assessment results", assessment, observed, body)
