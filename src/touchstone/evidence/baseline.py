"""The system as an assessment found it, as a register for the next one: what changed since can then be told."""

from __future__ import annotations

import json

from touchstone.canonical import parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.projections import source_of
from touchstone.text import Text


def baseline(bundle: Bundle) -> bytes:
    """The register `previous-assessment` of a bundle: JSON, which is YAML too.

    Raises `EvidenceError` when the bundle is no complete assessment, or measured nothing.
    """
    source = source_of(bundle)
    audits = {item.check.id for item in source.plan.items if item.audit}
    checks = sorted(
        name for name, made in source.observations.items() if made.status == "measured" and name not in audits
    )
    if not checks:
        raise EvidenceError(
            Text("measured nothing, so nothing can be left out later", "未测量任何内容，无从比对"), bundle.manifest_file
        )
    ends = [end for check in checks if (end := source.collected(check)) is not None]
    if len(ends) < len(checks):
        raise EvidenceError(
            Text("does not say when every check ended", "未记载每项检查的结束时间"), bundle.manifest_file
        )
    entry = {
        "system": source.plan.system,
        "evidence": bundle.manifest_digest,
        "finished": max(ends),
        "checks": checks,
        "description": parse_json(source.description_bytes(), "system.json"),
        "files": [{"path": file.path, "size": file.size, "digest": file.digest} for file in source.files],
    }
    return json.dumps(entry, ensure_ascii=False, indent=1).encode() + b"\n"
