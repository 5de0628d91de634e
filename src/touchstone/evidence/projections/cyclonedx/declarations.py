"""The assessment as CycloneDX attestations (CDXA): claims about requirements of a standard, with evidence.

A pass becomes a claim with evidence, a failure a counter-claim with counter-evidence. What was neither has no
score: half a point would be a number that nobody measured. The records do not say who signed, so the assessor is
named by the signature alone, and `thirdParty` is left out rather than guessed.
"""

from __future__ import annotations

from typing import Any, Final

from touchstone.evidence.projections.source import Source, named_information
from touchstone.interchange import both, identifier
from touchstone.records import Finding, Observation, Verdict, plain

_ASSESSOR: Final = "assessor"
_SCORES: Final = {Verdict.PASS: 1, Verdict.FAIL: 0}


def declarations(source: Source, system: str) -> dict[str, Any]:
    """Who found what about the component `system`, on which evidence."""
    findings = [found for found in source.assessment.findings if found.verdict is not Verdict.NOT_APPLICABLE]
    return {
        "assessors": [
            {
                "bom-ref": _ASSESSOR,
                "organization": {"name": "Signer of the assessment statement / 测评声明的签署者"},
            }
        ],
        "attestations": [
            {
                "summary": both(source.assessment.summary.text),
                "assessor": _ASSESSOR,
                "map": [_mapping(source, found) for found in findings],
            }
        ],
        "claims": [_claim(source, found, system) for found in findings if found.verdict in _SCORES],
        "evidence": [_evidence(source, made) for _, made in sorted(source.observations.items())],
        "affirmation": {"statement": both(source.assessment.summary.text)},
    }


def standard(source: Source) -> dict[str, Any]:
    """The profile as a standard, with its requirements."""
    profile = source.profile
    return {
        "bom-ref": "standard",
        "name": f"{both(profile.title)} ({profile.id})",
        "version": profile.edition,
        "description": both(profile.scope),
        "requirements": [
            {
                "bom-ref": _requirement(requirement.control),
                "identifier": requirement.control,
                "title": both(requirement.title),
                "text": both(requirement.what),
                "properties": [
                    {"name": "touchstone:severity", "value": requirement.severity},
                    {"name": "touchstone:required", "value": str(requirement.required).lower()},
                ],
            }
            for requirement in profile.requirements
        ],
        "levels": [
            {
                "bom-ref": "level",
                "identifier": profile.level,
                "requirements": [_requirement(each.control) for each in profile.requirements if each.required],
            }
        ],
    }


def _mapping(source: Source, found: Finding) -> dict[str, Any]:
    conformance: dict[str, Any] = {"rationale": f"{found.verdict}: {both(found.reason.text)}"}
    mapping: dict[str, Any] = {"requirement": _requirement(found.control), "conformance": conformance}
    if found.verdict in _SCORES:
        conformance["score"] = _SCORES[found.verdict]
        mapping["claims" if found.verdict is Verdict.PASS else "counterClaims"] = [_claim_reference(found)]
    if confidence := _confidence(source, found):
        mapping["confidence"] = {"rationale": confidence}
    return mapping


def _confidence(source: Source, found: Finding) -> str:
    """How sure: the decisive bounds with their confidence and sample sizes, as text, since each has its own."""
    metrics = {metric.id: metric for made in source.observed(found) for metric in made.metrics if metric.slice is None}
    decisive = [metrics[decision.metric] for decision in found.decisions if decision.metric in metrics]
    return "; ".join(
        f"{metric.id}: {metric.method}, n {metric.n}"
        + (f", one-sided confidence {plain(metric.confidence)}" if metric.method != "exact" else "")
        for metric in decisive
    )


def _claim(source: Source, found: Finding, system: str) -> dict[str, Any]:
    passed = found.verdict is Verdict.PASS
    what = source.requirement(found.control).what
    said = f"{'Meets' if passed else 'Does not meet'} {found.control}"
    return {
        "bom-ref": _claim_reference(found),
        "target": system,
        "predicate": f"{said}: {both(what)}",
        "reasoning": both(found.reason.text),
        "evidence" if passed else "counterEvidence": [_evidence_reference(made) for made in source.observed(found)],
    }


def _evidence(source: Source, made: Observation) -> dict[str, Any]:
    contents = [(f"observations/{made.check.id}.json", made.own_digest())]
    contents += [(f"exhibits/{made.check.id}/{exhibit.name}", exhibit.digest) for exhibit in made.exhibits]
    evidence: dict[str, Any] = {
        "bom-ref": _evidence_reference(made),
        "propertyName": f"touchstone:check:{made.check.id}:{made.check.version}",
        "description": both(source.title(made.check.id)),
        "data": [{"name": name, "contents": {"url": named_information(digest)}} for name, digest in contents],
    }
    ended = source.collected(made.check.id)
    return evidence if ended is None else evidence | {"created": ended}


def _requirement(control: str) -> str:
    return f"requirement:{control}"


def _claim_reference(found: Finding) -> str:
    return f"claim:{found.control}"


def _evidence_reference(made: Observation) -> str:
    return f"evidence:{identifier('observation', made.own_digest())}"
