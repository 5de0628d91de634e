"""The result as canonical JSON, `touchstone.scan/v1`: everything that was found, and nothing that differs between two
scans of the same bytes. The other formats say less."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from touchstone.scan.findings import Finding, Rule, ScanResult
from touchstone.scan.output.coverage import coverage_of
from touchstone.scan.plain import plain
from touchstone.scan.rules import rule_named
from touchstone.version import __version__

SCHEMA: Final = "touchstone.scan/v1"


def to_json(result: ScanResult) -> bytes:
    """The whole document in RFC 8785's form: keys are ASCII and numbers integers, so the standard library writes it."""
    document = json.dumps(scan_document(result), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return document.encode() + b"\n"


def scan_document(result: ScanResult) -> dict[str, Any]:
    """The document as plain values."""
    coverage = coverage_of(result)
    return {
        "schema": SCHEMA,
        "tool": {"name": "touchstone", "version": __version__},
        "symbols_sha256": result.symbols_sha256,
        "advisories_sha256": result.advisories_sha256,
        "limits": plain(result.limits),
        "verdict": result.verdict,
        "coverage": {
            "files": coverage.files,
            "bytes": coverage.bytes,
            "complete": coverage.complete,
            "verdicts": dict(coverage.verdicts),
            "gaps": dict(coverage.gaps),
        },
        "rules": {rule.id: plain(rule) for rule in rules_of(result)},
        "notes": plain(result.notes),
        "files": [{**plain(file), "verdict": file.verdict} for file in result.files],
    }


def rules_of(result: ScanResult) -> list[Rule]:
    """The rules of all findings, also of those that somebody answers for, in the order of their ids."""
    found = (rule_named(name) for name in sorted({finding.rule for finding in _findings(result)}))
    return [rule for rule in found if rule is not None]


def _findings(result: ScanResult) -> Iterable[Finding]:
    for file in result.files:
        yield from file.findings
        yield from (each.item for each in file.allowed if isinstance(each.item, Finding))
