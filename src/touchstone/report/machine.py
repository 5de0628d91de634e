"""The same assessment for programs: JSON for people's own tools, JUnit XML for continuous integration."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

from touchstone.records import Decision, Finding, Verdict
from touchstone.report.material import Material
from touchstone.report.words import demand, measured
from touchstone.text import Language

_FORBIDDEN_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_json(material: Material) -> str:
    """Assessment, metrics and costs as indented JSON. For reading; what is signed is the canonical record."""
    value = {
        "assessment": material.assessment.to_json(),
        "observations": {name: observation.to_json() for name, observation in sorted(material.observations.items())},
        "executions": {name: execution.to_json() for name, execution in sorted(material.executions.items())},
        "register_days": {name: day.isoformat() for name, day in material.circumstances.register_days.items()},
        "evidence": material.evidence,
        "issued": material.issued,
    }
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def render_junit(material: Material, language: Language) -> str:
    """JUnit XML: a suite per head of the standard, a test case per control.

    `fail` and `inconclusive` of a required control are failures, `error` is an error; everything that was not
    tested is skipped with its reason, so that a build never shows green for what nobody looked at.
    """
    assessment = material.assessment
    root = ElementTree.Element("testsuites", name=f"{assessment.system.name} / {assessment.profile.id}")
    titles = {requirement.control: requirement for requirement in material.profile.requirements}
    for head, name in material.profile.heads.items():
        findings = [finding for finding in assessment.findings if titles[finding.control].head == head]
        if not findings:
            continue
        suite = ElementTree.SubElement(
            root, "testsuite", name=f"{head} {name.render(language)}", tests=str(len(findings))
        )
        counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        for finding in findings:
            title = titles[finding.control].title.render(language)
            case = ElementTree.SubElement(suite, "testcase", classname=head, name=f"{finding.control} {title}")
            _add_outcome(case, finding, language)
        for counter, tag in counted.items():
            suite.set(counter, str(len(suite.findall(f"testcase/{tag}"))))
    ElementTree.indent(root)
    for element in root.iter():
        for attribute, value in element.attrib.items():
            element.set(attribute, _FORBIDDEN_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value))
        element.text = element.text and _FORBIDDEN_IN_XML.sub("\N{REPLACEMENT CHARACTER}", element.text)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_outcome(case: ElementTree.Element, finding: Finding, language: Language) -> None:
    reason = finding.reason.text.render(language)
    blocking = finding.verdict is Verdict.FAIL or (finding.verdict is Verdict.INCONCLUSIVE and finding.required)
    if blocking:
        element = ElementTree.SubElement(case, "failure", type=finding.verdict.value, message=reason)
        remedy = "" if finding.remedy is None else finding.remedy.render(language)
        element.text = "\n".join([*map(_line, finding.decisions), remedy])
    elif finding.verdict is Verdict.ERROR:
        ElementTree.SubElement(case, "error", type="error", message=reason)
    elif finding.verdict is not Verdict.PASS:
        ElementTree.SubElement(case, "skipped", message=f"{finding.verdict.value}: {reason}")


def _line(decision: Decision) -> str:
    return (
        f"{decision.metric}: {measured(decision.compared)} ({decision.bound}), {demand(decision)}: {decision.outcome}"
    )
