"""What the format scan wrote down about each model file, read as if a hostile worker had written it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from touchstone.canonical import parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.projections.source import Source
from touchstone.scan.findings import FileResult, Rule
from touchstone.scan.plain import MisshapenError, restored

FORMAT_SCAN: Final = "model.format_scan"
FINDINGS: Final = "findings.json"
_SCHEMA: Final = "touchstone.format-scan/v2"
_FIELDS: Final = {"schema", "symbols_sha256", "rules", "files"}


@dataclass(frozen=True, slots=True)
class Scanned:
    """The exhibit of the format scan."""

    files: tuple[FileResult, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)


def scanned_files(source: Source) -> Scanned | None:
    """What was scanned; no files when the scan did not run, `None` when what it wrote cannot be used.

    It can be used when it has the right form and speaks only of files of this system.
    """
    made = source.observations.get(FORMAT_SCAN)
    exhibits = [] if made is None else [each for each in made.exhibits if each.name == FINDINGS]
    if not exhibits:
        return Scanned()
    try:
        scanned = _read(parse_json(source.exhibit(exhibits[0]), FINDINGS))
    except (EvidenceError, MisshapenError):
        return None
    known = {(file.path, file.digest, file.size) for file in source.files}
    return scanned if all((file.path, f"sha256:{file.sha256}", file.size) in known for file in scanned.files) else None


def _read(document: Any) -> Scanned:
    if not isinstance(document, dict) or document.keys() != _FIELDS or document["schema"] != _SCHEMA:
        raise MisshapenError("not the exhibit of a format scan")
    rules, files = document["rules"], document["files"]
    if not isinstance(rules, list) or not isinstance(files, list):
        raise MisshapenError("rules and files are lists")
    read = (restored(Rule, rule) for rule in rules)
    return Scanned(tuple(restored(FileResult, file) for file in files), {rule.id: rule for rule in read})
