"""SARIF 2.1.0 (OASIS): what was found in model files, byte by byte, and which controls failed.

A result about a whole file has the whole file as its region. A finding in a member of an archive has an offset
in that member, which is no place in the file: its region is the file, and the member a logical location.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from touchstone.evidence.projections.scan import FORMAT_SCAN, scanned_files
from touchstone.evidence.projections.source import Source
from touchstone.interchange import SARIF_LEVELS, Json, both, identifier, sarif_document, sarif_message, sentence
from touchstone.records import CheckCard, Finding, Requirement, Verdict
from touchstone.scan.findings import FileResult, Rule
from touchstone.scan.findings import Finding as ScanFinding
from touchstone.text import Text

_NOT_UNDERSTOOD: Final = "file-not-understood"

_KINDS: Final = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "open",
    Verdict.NOT_APPLICABLE: "notApplicable",
    Verdict.NOT_TESTED: "review",
    Verdict.ERROR: "review",
}
_INCOMPLETE: Final = Text("The scan did not understand every byte.", "扫描未能解析全部字节。")

_UNUSABLE: Final = {
    "level": "error",
    "message": {
        "text": "What the format scan wrote is not about the files of this system. / 格式扫描的输出与本系统的文件不符。"
    },
}


def sarif_log(source: Source) -> bytes:
    """One run: every finding in every scanned file, a pass for every clean file, and one result per control."""
    scanned = scanned_files(source)
    files = () if scanned is None else scanned.files
    rules = _Rules(source, {} if scanned is None else scanned.rules)
    results = [result for index, file in enumerate(files) for result in _file_results(index, file, rules)]
    results += [_control_result(source, found, rules) for found in source.assessment.findings]
    run: Json = {
        "tool": {
            "driver": {
                "name": "touchstone",
                "version": source.tool_version,
                "rules": rules.listed,
            }
        },
        "automationDetails": {
            "id": f"touchstone/{source.profile.id}/{source.profile.edition}",
            "guid": identifier("sarif", source.assessment.own_digest()),
        },
        "columnKind": "unicodeCodePoints",
        "artifacts": [
            {
                "location": {"uri": quote(file.path)},
                "length": file.size,
                "roles": ["analysisTarget"],
                "hashes": {"sha-256": file.sha256},
            }
            for file in files
        ],
        "results": results,
        "properties": {
            "systemDigest": source.assessment.system.digest,
            "verdict": source.assessment.verdict,
            "synthetic": source.assessment.system.synthetic,
        },
    }
    if scanned is None:
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [_UNUSABLE]}]
    return sarif_document(run)


class _Rules:
    """The rules that results refer to, in the order in which they are first needed."""

    def __init__(self, source: Source, scan_rules: Mapping[str, Rule]) -> None:
        self._source = source
        self._scan_rules = scan_rules
        self._index: dict[str, int] = {}
        self.listed: list[Json] = []

    def scan(self, rule: str = "") -> Json:
        """Reference to one rule of the scan, or to the scan as a whole."""
        card = self._source.cards.get(FORMAT_SCAN)
        title = self._source.title(FORMAT_SCAN)
        if not rule:
            return self._reference(FORMAT_SCAN, title, title if card is None else card.measures, card)
        known = self._scan_rules.get(rule)
        said = _INCOMPLETE if rule == _NOT_UNDERSTOOD else Text(rule, rule) if known is None else known.title
        return self._reference(f"{FORMAT_SCAN}/{rule}", said, said if known is None else known.remedy, card)

    def control(self, requirement: Requirement) -> Json:
        """Reference to the rule that a control is."""
        cards = [self._source.cards[check] for check in requirement.checks if check in self._source.cards]
        return self._reference(requirement.control, requirement.title, requirement.what, cards[0] if cards else None)

    def _reference(self, identity: str, title: Text, what: Text, card: CheckCard | None) -> Json:
        if identity not in self._index:
            self._index[identity] = len(self.listed)
            rule: Json = {
                "id": identity,
                "shortDescription": {"text": sentence(both(title))},
                "fullDescription": {"text": sentence(both(what))},
            }
            if card is not None:
                rule["help"] = {"text": sentence(both(card.remedy))}
                rule["properties"] = {"tags": [*card.threats]}
            self.listed.append(rule)
        return {"ruleId": identity, "ruleIndex": self._index[identity]}


def _file_results(index: int, file: FileResult, rules: _Rules) -> list[Json]:
    location: Json = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(file.path), "index": index},
            "region": {"byteOffset": 0, "byteLength": file.size},
        }
    }
    found = [_scan_result(location, file, finding, rules) for finding in file.findings]
    found += [
        {
            **rules.scan(_NOT_UNDERSTOOD),
            "kind": "open",
            "level": "none",
            "message": sarif_message(sentence(both(Text(f"{gap.where}: {gap.why.en}", f"{gap.where}：{gap.why.zh}")))),
            "locations": [location],
        }
        for gap in file.gaps
    ]
    if file.verdict != "clean":
        return found
    return [
        *found,
        {
            **rules.scan(),
            "kind": "pass",
            "level": "none",
            "message": {"text": "Holds nothing that runs code. / 未发现会运行代码的构造。"},
            "locations": [location],
        },
    ]


def _scan_result(location: Json, file: FileResult, finding: ScanFinding, rules: _Rules) -> Json:
    where, offset = finding.where, finding.offset
    place: Json = {"physicalLocation": dict(location["physicalLocation"])}
    if where != file.path:
        place["logicalLocations"] = [{"fullyQualifiedName": where, "kind": "member"}]
    elif offset >= 0:
        place["physicalLocation"]["region"] = {"byteOffset": offset, "byteLength": finding.length}
    at = "" if offset < 0 else f" (byte {offset})"
    counted = finding.nature != "information"
    return {
        **rules.scan(finding.rule),
        "kind": "fail" if counted else "informational",
        "level": SARIF_LEVELS[finding.severity] if counted else "none",
        "message": sarif_message(f"{finding.shown}{at}: {sentence(both(finding.what))}"),
        "locations": [place],
        "partialFingerprints": {
            "finding/v1": identifier("scan", finding.rule, file.sha256, where, str(offset), finding.shown)
        },
    }


def _control_result(source: Source, found: Finding, rules: _Rules) -> Json:
    system = source.assessment.system
    failed = found.verdict is Verdict.FAIL
    return {
        **rules.control(source.requirement(found.control)),
        "kind": _KINDS[found.verdict],
        "level": SARIF_LEVELS[found.severity] if failed else "none",
        "message": sarif_message(sentence(both(found.reason.text))),
        "locations": [
            {"logicalLocations": [{"name": system.name, "fullyQualifiedName": f"{system.name}@{system.version}"}]}
        ],
        "properties": {
            "verdict": found.verdict,
            "required": found.required,
            "gate": found.gate,
            "reason": found.reason.code,
            "metrics": [decision.metric for decision in found.decisions],
        },
    }
