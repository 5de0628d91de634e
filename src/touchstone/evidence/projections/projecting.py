"""Every projection of one assessment, under its name; and whether those in a bundle are the ones that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from touchstone.errors import EvidenceError
from touchstone.evidence.layout import Role
from touchstone.evidence.projections.avid import reports
from touchstone.evidence.projections.cyclonedx.bom import bill_of_materials
from touchstone.evidence.projections.in_toto import test_result
from touchstone.evidence.projections.oscal.milestones import open_findings, plan_of_action
from touchstone.evidence.projections.oscal.plan import assessment_plan
from touchstone.evidence.projections.oscal.results import assessment_results
from touchstone.evidence.projections.sarif import sarif_log
from touchstone.evidence.projections.source import Source, source_of
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.evidence.bundle import Bundle, Problem

_PLAN: Final = "assessment-plan.json"

_MEDIA_TYPES: Final = {
    "avid": "application/json",
    "cyclonedx": "application/vnd.cyclonedx+json",
    "in-toto": "application/vnd.in-toto+json",
    "oscal": "application/oscal+json",
    "sarif": "application/sarif+json",
}


def project_all(source: Source) -> dict[str, bytes]:
    """Every document that follows from the records, by name, each as canonical JSON.

    An OSCAL document has a date, and it is the end of the last check: where none ran there is none. Where nothing
    stands open there is no plan of action, and only failed controls have an AVID report.
    """
    documents = {
        "cyclonedx/bom-1.6.cdx.json": bill_of_materials(source, "1.6"),
        "cyclonedx/bom-1.7.cdx.json": bill_of_materials(source, "1.7"),
        "in-toto/test-result.json": test_result(source.assessment).to_bytes(),
        "sarif/findings.sarif": sarif_log(source),
    }
    documents |= {f"avid/{control}.json": report for control, report in reports(source).items()}
    if source.ended is not None:
        documents[f"oscal/{_PLAN}"] = assessment_plan(source)
        documents["oscal/assessment-results.json"] = assessment_results(source, _PLAN)
        if open_findings(source):
            documents["oscal/plan-of-action-and-milestones.json"] = plan_of_action(source)
    return {f"projections/{name}": documents[name] for name in sorted(documents)}


def media_type(name: str) -> str:
    """The media type of a document that :func:`project_all` names."""
    return _MEDIA_TYPES[name.split("/")[1]]


def projections_again(bundle: Bundle) -> list[Problem]:
    """Every document in the bundle that does not follow from its records, or is missing beside the others.

    A bundle without any projection has none that could be wrong. Raises `EvidenceError` when the records they
    would follow from are missing or damaged.
    """
    from touchstone.evidence.bundle import Problem

    held = {entry.name: entry for entry in bundle.with_role(Role.PROJECTION)}
    if not held:
        return []
    expected = project_all(source_of(bundle))
    problems = [
        Problem(name, (name,), Text("does not follow from the records", "无法由记录推出"))
        for name in held
        if name not in expected or _content(bundle, name) != expected[name]
    ]
    problems += [
        Problem(bundle.manifest_file, (name,), Text(f"does not list {name}", f"未列出 {name}"))
        for name in expected
        if name not in held
    ]
    return problems


def _content(bundle: Bundle, name: str) -> bytes | None:
    try:
        return bundle.read(name)
    except EvidenceError:
        return None
