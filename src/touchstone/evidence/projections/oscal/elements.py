"""The parts that several OSCAL documents share, and the frame around each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from touchstone.canonical import Digest, canonical_json, digest_of, digest_of_json
from touchstone.evidence.projections.source import Source, hexadecimal, named_information
from touchstone.interchange import both, identifier
from touchstone.records import Assessment, Finding, Metric, Observation, Plan, Record, Verdict, plain

OSCAL_VERSION: Final = "1.2.1"
NAMESPACE: Final = "urn:touchstone:oscal"

_ATLAS: Final = "https://atlas.mitre.org"
_CWE: Final = "https://cwe.mitre.org"

Json = dict[str, Any]


def document(
    kind: str, source: Source, title: str, record: Plan | Assessment, observed: Iterable[Observation], body: Json
) -> bytes:
    """A whole document about one record, named by a UUID that follows from its content.

    It is dated by the record: a plan when the first check begins, an assessment when the last one ends. Raises
    `ValueError` when no check ran, as there is no date then.
    """
    date = source.started if isinstance(record, Plan) else source.ended
    if date is None:
        raise ValueError("no check ran")
    content = {
        "metadata": _metadata(source, title, record, date),
        **body,
        "back-matter": {"resources": _resources(source, record, observed)},
    }
    return canonical_json({kind: {"uuid": identifier(kind, digest_of_json(content))} | content})


def prop(name: str, value: str, **more: str) -> Json:
    """A property in our name space."""
    return {"name": name, "ns": NAMESPACE, "value": _string(value)} | more


def system_component(source: Source) -> Json:
    """The system under test."""
    system = source.assessment.system
    return {
        "uuid": identifier("component", system.digest),
        "type": "software",
        "title": f"{system.name} {system.version}",
        "description": source.description.system.intended_use,
        "props": [
            prop("system-digest", system.digest),
            prop("supplier", system.supplier),
            prop("sector", system.sector),
            prop("synthetic", str(system.synthetic).lower()),
        ],
        "status": {"state": "other", "remarks": "The description does not say whether it is in operation."},
    }


def assets(source: Source) -> Json:
    """The tool and where it ran."""
    tool = tool_uuid(source)
    environment = sorted(source.assessment.environment.items())
    return {
        "components": [
            {
                "uuid": tool,
                "type": "software",
                "title": source.plan.tool,
                "description": "The program that ran the tests.",
                "status": {"state": "operational"},
            }
        ],
        "assessment-platforms": [
            {
                "uuid": identifier("platform", digest_of_json(source.assessment.environment)),
                "title": "Test environment",
                "props": [prop("environment", value, **{"class": _token(name)}) for name, value in environment]
                or [prop("environment", "not recorded")],
                "uses-components": [{"component-uuid": tool}],
            }
        ],
    }


def tool_uuid(source: Source) -> str:
    """The tool as an actor."""
    return identifier("tool", source.plan.tool)


def reviewed_controls(source: Source) -> Json:
    """Every control of the profile that applies, and those that do not."""
    out = [finding.control for finding in source.assessment.findings if finding.verdict is Verdict.NOT_APPLICABLE]
    selection: Json = selected(finding.control for finding in source.assessment.findings if finding.control not in out)
    if out:
        selection["exclude-controls"] = [{"control-id": control} for control in out]
    return {"control-selections": [selection]}


def selected(controls: Iterable[str]) -> Json:
    """A selection of controls; OSCAL has no empty one."""
    chosen = [{"control-id": control} for control in controls]
    return {"include-controls": chosen} if chosen else {"include-all": {}}


def observation(source: Source, made: Observation) -> Json:
    """What one check measured, with the digests of its raw evidence."""
    check = made.check.id
    card = source.cards.get(check)
    described = check if card is None else both(card.measures)
    if made.error is not None:
        described += f"\n\nDid not finish: {both(made.error.text)}"
    evidence = [(f"Observation record of {check}", made.own_digest())]
    evidence += [(f"Exhibit {exhibit.name}", exhibit.digest) for exhibit in made.exhibits]
    return {
        "uuid": observation_uuid(made),
        "title": f"{check} {made.check.version}: {both(source.title(check))}",
        "description": described,
        "props": [prop("status", made.status), prop("seed", made.seed), *map(_metric, made.metrics)],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": tool_uuid(source)}]}],
        "subjects": [{"subject-uuid": system_component(source)["uuid"], "type": "component"}],
        "relevant-evidence": [
            {
                "href": f"#{resource_uuid(digest)}",
                "description": text,
                "props": [prop("sha256", hexadecimal(digest))],
            }
            for text, digest in evidence
        ],
        "collected": source.collected(check) or source.ended,
    }


def observation_uuid(made: Observation) -> str:
    """Names an observation by its record."""
    return identifier("observation", made.own_digest())


def finding(source: Source, found: Finding) -> Json:
    """The verdict on a control. Only a pass is `satisfied`; the verdict itself is a property."""
    satisfied = found.verdict is Verdict.PASS
    reasons = {Verdict.PASS: "pass", Verdict.FAIL: "fail"}
    requirement = source.requirement(found.control)
    result = {
        "uuid": finding_uuid(source, found),
        "title": f"{found.control} {both(requirement.title)}",
        "description": both(found.reason.text),
        "props": [
            prop("verdict", found.verdict),
            prop("severity", found.severity),
            prop("required", str(found.required).lower()),
            prop("gate", str(found.gate).lower()),
        ],
        "target": {
            "type": "objective-id",
            "target-id": found.control,
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": reasons.get(found.verdict, "other"),
            },
        },
    }
    if related := _related(source, found):
        result["related-observations"] = related
    if found.verdict is Verdict.FAIL:
        result["related-risks"] = [{"risk-uuid": risk_uuid(source, found)}]
    return result


def finding_uuid(source: Source, found: Finding) -> str:
    """Names a finding by its record and the plan it was made under."""
    return identifier("finding", found.own_digest(), source.assessment.plan)


def risk(source: Source, found: Finding) -> Json:
    """What a failed control means, and what to do about it."""
    requirement = source.requirement(found.control)
    result = {
        "uuid": risk_uuid(source, found),
        "title": f"{found.control} {both(requirement.title)}",
        "description": both(found.reason.text),
        "statement": both(requirement.what),
        "props": [prop("severity", found.severity)],
        "status": "open",
    }
    checks = [made.check.id for made in source.observed(found)]
    threats = {threat for check in checks if check in source.cards for threat in source.cards[check].threats}
    if identified := [each for each in map(_threat, sorted(threats)) if each is not None]:
        result["threat-ids"] = identified
    if found.remedy is not None:
        result["remediations"] = [
            {
                "uuid": identifier("remediation", found.own_digest()),
                "lifecycle": "recommendation",
                "title": f"Remedy for {found.control}",
                "description": both(found.remedy),
            }
        ]
    if related := _related(source, found):
        result["related-observations"] = related
    return result


def risk_uuid(source: Source, found: Finding) -> str:
    """Names the risk of a failed control."""
    return identifier("risk", found.own_digest(), source.assessment.plan)


def resource_uuid(digest: Digest) -> str:
    """Names a resource of the back matter by its content."""
    return identifier("resource", digest)


def system_description(source: Source) -> str:
    """Reference to the description, which stands in for a system security plan."""
    return f"#{resource_uuid(digest_of(source.description_bytes()))}"


def _metadata(source: Source, title: str, record: Plan | Assessment, date: str) -> Json:
    system = source.assessment.system
    supplier = identifier("party", system.supplier)
    synthetic = " (made up, for demonstration / 虚构，仅供演示)" * system.synthetic
    return {
        "title": f"{title}: {system.name} {system.version}{synthetic}",
        "last-modified": date,
        "version": hexadecimal(record.own_digest())[:16],
        "oscal-version": OSCAL_VERSION,
        "props": [
            prop("profile", source.profile.id, **{"class": "identity"}),
            prop("edition", source.profile.edition),
            prop("profile-digest", source.assessment.profile.digest),
            prop("record-digest", record.own_digest()),
        ],
        "roles": [{"id": "supplier", "title": "Supplier of the system"}],
        "parties": [{"uuid": supplier, "type": "organization", "name": _string(system.supplier)}],
        "responsible-parties": [{"role-id": "supplier", "party-uuids": [supplier]}],
    }


def _resources(source: Source, record: Plan | Assessment, observed: Iterable[Observation]) -> list[Json]:
    named: dict[str, Record] = {"profile.json": source.profile, "plan.json": source.plan}
    if record is source.assessment:
        named |= {"circumstances.json": source.circumstances, "assessment.json": source.assessment}
    contents = {digest_of(source.description_bytes()): "system.json"}
    contents |= {each.own_digest(): name for name, each in named.items()}
    for made in observed:
        check = made.check.id
        contents[made.own_digest()] = f"observations/{check}.json"
        for exhibit in made.exhibits:
            contents.setdefault(exhibit.digest, f"exhibits/{check}/{exhibit.name}")
    return [
        {
            "uuid": resource_uuid(digest),
            "title": name,
            "rlinks": [
                {
                    "href": named_information(digest),
                    "hashes": [{"algorithm": "SHA-256", "value": hexadecimal(digest)}],
                }
            ],
        }
        for digest, name in contents.items()
    ]


def _related(source: Source, found: Finding) -> list[Json]:
    return [{"observation-uuid": observation_uuid(made)} for made in source.observed(found)]


def _metric(metric: Metric) -> Json:
    bounds = [
        f"{side} {plain(value)} (one-sided, confidence {plain(metric.confidence)})"
        for side, value in (("at least", metric.low), ("at most", metric.high))
        if value is not None
    ]
    where = [] if metric.slice is None else [f"slice {metric.slice}"]
    return prop("metric", plain(metric.value), **{"class": _token(metric.id)}) | {
        "remarks": "; ".join([f"unit {metric.unit}", *where, *bounds, f"method {metric.method}", f"n {metric.n}"])
    }


def _threat(name: str) -> Json | None:
    if name.startswith("AML."):
        return {"system": _ATLAS, "id": f"{_ATLAS}/techniques/{name}"}
    if name.startswith("CWE-"):
        return {"system": _CWE, "id": f"{_CWE}/data/definitions/{name.removeprefix('CWE-')}.html"}
    return None


def _string(value: str) -> str:
    """OSCAL's string: one line, not empty, without space around it."""
    return re.sub(r"\s+", " ", value).strip() or "(empty)"


def _token(name: str) -> str:
    """OSCAL's token: a letter or underscore, then letters, digits, dots, dashes, underscores."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return safe if re.match(r"[A-Za-z_]", safe) else f"_{safe}"
