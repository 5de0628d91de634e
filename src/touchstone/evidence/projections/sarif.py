"""SARIF 2.1.0 (OASIS): what was found in model files, byte by byte, and which controls failed.

A result about a whole file has the whole file as its region. A construct in a member of an archive has an offset
in that member, which is no place in the file: its region is the file, and the member a logical location.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from touchstone.evidence.projections.scan import FORMAT_SCAN, ScannedConstruct, ScannedFile, scanned_files
from touchstone.evidence.projections.source import Source, hexadecimal
from touchstone.interchange import SARIF_LEVELS, Json, both, identifier, sarif_document, sarif_message, sentence
from touchstone.records import CheckCard, Finding, Requirement, Verdict
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
_SCAN_RULES: Final = {
    "code-execution": Text("Runs code when the file is loaded.", "加载文件时会运行代码。"),
    "unknown-global": Text("Names code that nobody reviewed.", "引用未经审查的代码。"),
    "archive-trick": Text("Means two things to two unpackers.", "不同解包程序会得到不同内容。"),
    "custom-code": Text("Needs code that lies beside the file.", "需要文件之外的代码。"),
    "parser-differential": Text("Means two things to two parsers.", "不同解析器会有不同解释。"),
    "resource-bomb": Text("Exhausts whoever opens it.", "会耗尽打开者的资源。"),
    _NOT_UNDERSTOOD: Text("The screen did not understand every byte.", "筛查未能解析全部字节。"),
}

_UNUSABLE: Final = {
    "level": "error",
    "message": {
        "text": "What the format scan wrote is not about the files of this system. / 格式扫描的输出与本系统的文件不符。"
    },
}


def sarif_log(source: Source) -> bytes:
    """One run: every construct in every screened file, a pass for every clean file, and one result per control."""
    scanned = scanned_files(source)
    files = scanned or ()
    rules = _Rules(source)
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
                "hashes": {"sha-256": hexadecimal(file.digest)},
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

    def __init__(self, source: Source) -> None:
        self._source = source
        self._index: dict[str, int] = {}
        self.listed: list[Json] = []

    def scan(self, kind: str) -> Json:
        """Reference to the rule for one kind of construct, or for the scan as a whole."""
        card = self._source.cards.get(FORMAT_SCAN)
        identity = FORMAT_SCAN if kind == FORMAT_SCAN else f"{FORMAT_SCAN}/{kind}"
        said = self._source.title(FORMAT_SCAN) if kind == FORMAT_SCAN else _SCAN_RULES.get(kind, Text(kind, kind))
        return self._reference(identity, said, said if card is None else card.measures, card)

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


def _file_results(index: int, file: ScannedFile, rules: _Rules) -> list[Json]:
    location: Json = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(file.path), "index": index},
            "region": {"byteOffset": 0, "byteLength": file.size},
        }
    }
    found = [_construct_result(location, file, construct, rules) for construct in file.constructs]
    found += [
        {
            **rules.scan(_NOT_UNDERSTOOD),
            "kind": "open",
            "level": "none",
            "message": sarif_message(sentence(both(reason))),
            "locations": [location],
        }
        for reason in file.not_understood
    ]
    if found:
        return found
    return [
        {
            **rules.scan(FORMAT_SCAN),
            "kind": "pass",
            "level": "none",
            "message": {"text": "Holds nothing that runs code. / 未发现会运行代码的构造。"},
            "locations": [location],
        }
    ]


def _construct_result(location: Json, file: ScannedFile, construct: ScannedConstruct, rules: _Rules) -> Json:
    where, offset = construct.where, construct.offset
    place: Json = {"physicalLocation": dict(location["physicalLocation"])}
    if where != file.path:
        place["logicalLocations"] = [{"fullyQualifiedName": where, "kind": "member"}]
    elif offset is not None:
        place["physicalLocation"]["region"] = {"byteOffset": offset, "byteLength": 0}
    at = "" if offset is None else f" (byte {offset})"
    return {
        **rules.scan(construct.kind),
        "kind": "fail",
        "level": SARIF_LEVELS[construct.severity],
        "message": sarif_message(f"{construct.shown}{at}: {sentence(both(construct.what))}"),
        "locations": [place],
        "partialFingerprints": {
            "construct/v1": identifier("construct", file.digest, where, str(offset), construct.shown)
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
        "properties": {"verdict": found.verdict, "required": found.required, "gate": found.gate},
    }
