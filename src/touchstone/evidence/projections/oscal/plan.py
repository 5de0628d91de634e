"""The plan as an OSCAL assessment plan."""

from __future__ import annotations

from typing import Any

from touchstone.evidence.projections.oscal.elements import (
    assets,
    document,
    prop,
    reviewed_controls,
    selected,
    system_component,
    system_description,
)
from touchstone.evidence.projections.source import Source
from touchstone.interchange import both, identifier
from touchstone.records import PlanItem


def assessment_plan(source: Source) -> bytes:
    """What was to be tested, and what could not be and why, fixed before the first result."""
    component = system_component(source)
    body: dict[str, Any] = {
        "import-ssp": {"href": system_description(source), "remarks": "The system's own description."},
        "local-definitions": {"components": [component]},
        "reviewed-controls": reviewed_controls(source),
        "assessment-subjects": [
            {
                "type": "component",
                "include-subjects": [{"subject-uuid": component["uuid"], "type": "component"}],
            }
        ],
        "assessment-assets": assets(source),
    }
    if source.plan.items:
        body["local-definitions"]["activities"] = [_activity(source, item) for item in source.plan.items]
    if tasks := [_task(source, item, component["uuid"]) for item in source.plan.items if item.runs]:
        body["tasks"] = tasks
    return document("assessment-plan", source, "Assessment plan", source.plan, (), body)


def _activity(source: Source, item: PlanItem) -> dict[str, Any]:
    card = source.cards.get(item.check.id)
    activity: dict[str, Any] = {
        "uuid": _activity_uuid(item),
        "title": f"{item.check.id} {item.check.version}: {both(source.title(item.check.id))}",
        "description": item.check.id if card is None else both(card.measures),
        "props": [prop("runs", str(item.runs).lower()), prop("seed", item.seed)],
    }
    if item.controls:
        activity["related-controls"] = {"control-selections": [selected(item.controls)]}
    if item.reason is not None:
        activity["remarks"] = both(item.reason.text)
    return activity


def _task(source: Source, item: PlanItem, component: str) -> dict[str, Any]:
    return {
        "uuid": identifier("task", item.own_digest()),
        "type": "action",
        "title": both(source.title(item.check.id)),
        "associated-activities": [
            {
                "activity-uuid": _activity_uuid(item),
                "subjects": [
                    {
                        "type": "component",
                        "include-subjects": [{"subject-uuid": component, "type": "component"}],
                    }
                ],
            }
        ],
    }


def _activity_uuid(item: PlanItem) -> str:
    return identifier("activity", item.own_digest())
