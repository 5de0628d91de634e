"""SARIF 2.1.0 (OASIS), in the part of it that GitHub code scanning and GitLab read.

A result lies at bytes of its file. One in a member of an archive has an offset in that member, which is no place in
the file: its region is the whole file, and the member a logical location. GitHub asks for a line, so every region has
the first one beside its bytes; the standard keeps the two apart (3.30.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from touchstone.interchange import SARIF_LEVELS, Json, identifier, sarif_document, sarif_message, sentence
from touchstone.scan.findings import Allowed, FileResult, Finding, Gap, Rule, ScanResult, Severity
from touchstone.scan.output.coverage import coverage_of
from touchstone.scan.output.json import rules_of
from touchstone.text import Language, Text
from touchstone.version import __version__

SCORES: Final[dict[Severity, str]] = {
    "critical": "9.5",
    "high": "8.0",
    "medium": "5.5",
    "low": "3.0",
    "information": "0.0",
}
"""What GitHub shows as critical (over 9.0), high (7.0 to 8.9), medium (4.0 to 6.9) and low."""


def to_sarif(result: ScanResult, language: Language, folder: str = "") -> bytes:
    """One run: every finding and every gap, what is allowed as suppressed, and every file with its digest.

    `folder` is where the scanned folder lies in the repository (`models/`), to which the paths in a log are relative.
    """
    rules = rules_of(result)
    indices = {rule.id: index for index, rule in enumerate(rules)}
    places = [_Place(index, file, quote(folder + file.path)) for index, file in enumerate(result.files)]
    return sarif_document(
        {
            "tool": {
                "driver": {
                    "name": "touchstone",
                    "fullName": "touchstone scan",
                    "version": __version__,
                    "semanticVersion": __version__,
                    "language": "zh-CN" if language == "zh" else "en-US",
                    "rules": [_rule(rule, language) for rule in rules],
                }
            },
            "automationDetails": {"id": "touchstone/scan/"},
            "columnKind": "unicodeCodePoints",
            "invocations": [
                {
                    "executionSuccessful": True,
                    "toolExecutionNotifications": list(_notifications(result, places, language)),
                }
            ],
            "artifacts": [_artifact(place) for place in places],
            "results": [each for place in places for each in _results(place, indices, language)],
            "properties": {
                "verdict": result.verdict,
                "coverage": coverage_of(result).sentence().render(language),
                "symbolsSha256": result.symbols_sha256,
            },
        }
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """One file, and how a log refers to it."""

    index: int
    file: FileResult
    uri: str

    def reference(self) -> Json:
        return {"uri": self.uri, "index": self.index}


def _rule(rule: Rule, language: Language) -> Json:
    title, remedy = sentence(rule.title.render(language)), sentence(rule.remedy.render(language))
    listed = "".join(f"\n* {reference}" for reference in rule.references)
    return {
        "id": rule.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": remedy, "markdown": f"{remedy}\n{listed}" if listed else remedy},
        "defaultConfiguration": {"level": SARIF_LEVELS[rule.severity]},
        "properties": {
            "security-severity": SCORES[rule.severity],
            "precision": "high" if rule.nature == "threat" else "medium",
            "tags": ["security", rule.nature, *map(_tag, rule.references)],
        },
    }


def _tag(reference: str) -> str:
    """A reference as GitHub wants its tags: `external/cwe/cwe-502`."""
    return f"external/cwe/{reference.lower()}" if reference.startswith("CWE-") else reference


def _artifact(place: _Place) -> Json:
    file = place.file
    artifact: Json = {
        "location": {"uri": place.uri},
        "length": file.size,
        "roles": ["analysisTarget"],
        "properties": {"format": file.format, "verdict": file.verdict},
    }
    return artifact | {"hashes": {"sha-256": file.sha256}} if file.sha256 else artifact


def _results(place: _Place, indices: dict[str, int], language: Language) -> Iterator[Json]:
    for finding in place.file.findings:
        yield _result(place, finding, indices, language)
    for each in place.file.allowed:
        if isinstance(each.item, Finding):
            yield _result(place, each.item, indices, language) | {"suppressions": [_suppression(each)]}


def _result(place: _Place, finding: Finding, indices: dict[str, int], language: Language) -> Json:
    file = place.file
    told = sentence(finding.what.render(language))
    counted = finding.nature != "information"
    fingerprint = identifier("scan", finding.rule, file.sha256, finding.where, str(finding.offset), finding.shown)
    reported: Json = {
        "ruleId": finding.rule,
        "kind": "fail" if counted else "informational",
        "level": SARIF_LEVELS[finding.severity] if counted else "none",
        "message": sarif_message(f"{finding.shown}: {told}" if finding.shown else told),
        "locations": [_location(place, finding)],
        "partialFingerprints": {"finding/v1": fingerprint, "primaryLocationLineHash": fingerprint},
        "properties": {"nature": finding.nature, "security-severity": SCORES[finding.severity]},
    }
    if finding.rule in indices:
        reported["ruleIndex"] = indices[finding.rule]
    return reported


def _location(place: _Place, finding: Finding) -> Json:
    region: Json = {"startLine": 1}
    in_member = finding.where != place.file.path
    if finding.offset >= 0 and not in_member:
        region |= {"byteOffset": finding.offset, "byteLength": finding.length}
    else:
        region |= {"byteOffset": 0, "byteLength": place.file.size}
    location: Json = {"physicalLocation": {"artifactLocation": place.reference(), "region": region}}
    if in_member:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.where, "kind": "member"}]
        if finding.offset >= 0:
            location["properties"] = {"byteOffsetInMember": finding.offset, "byteLengthInMember": finding.length}
    return location


def _suppression(allowed: Allowed) -> Json:
    by = f" ({allowed.by})" if allowed.by else ""
    return {
        "kind": "external",
        "status": "accepted",
        "justification": f"{allowed.reason}{by}",
        "properties": {"expires": allowed.expires},
    }


def _notifications(result: ScanResult, places: list[_Place], language: Language) -> Iterator[Json]:
    """What was not understood, and what became of the allow file."""
    for place in places:
        for gap in place.file.gaps:
            yield _notification(place, gap, language)
        for each in place.file.allowed:
            if isinstance(each.item, Gap):
                accepted = {"accepted": each.reason, "expires": each.expires}
                yield _notification(place, each.item, language) | {"level": "note", "properties": accepted}
    for note in result.notes:
        yield {"level": "warning", "message": sarif_message(sentence(note.render(language)))}


def _notification(place: _Place, gap: Gap, language: Language) -> Json:
    why = sentence(Text(f"{gap.where}: {gap.why.en}", f"{gap.where}：{gap.why.zh}").render(language))
    return {
        "descriptor": {"id": f"gap/{gap.code}"},
        "level": "warning",
        "message": sarif_message(why),
        "locations": [{"physicalLocation": {"artifactLocation": place.reference()}}],
    }
