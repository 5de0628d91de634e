"""What documents in other people's formats have in common, whatever they are drawn from.

SARIF 2.1.0 (OASIS) and CycloneDX (ECMA-424) are written by the evidence and by the scan; what both must get right in
the same way is here.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from touchstone.canonical import canonical_json, digest_of_json
from touchstone.text import Text

Json = dict[str, Any]

SARIF_LEVELS: Final = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "information": "note"}

_NAMES: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:touchstone:projection")
_LITERAL: Final = str.maketrans({"{": "{{", "}": "}}", "[": "\\[", "]": "\\]"})
_SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def both(text: Text) -> str:
    """A text in both languages, for formats that have room for one."""
    return text.en if text.en == text.zh else f"{text.en} / {text.zh}"


def sentence(said: str) -> str:
    """A message as SARIF wants it: with a full stop at its end."""
    return said if said.endswith((".", "。")) else f"{said}."


def identifier(kind: str, *parts: str) -> str:
    """A UUID (version 5, RFC 9562) that follows from what it names."""
    return str(uuid.uuid5(_NAMES, "\n".join((kind, *parts))))


def sarif_document(run: Json) -> bytes:
    """A SARIF log of one run, in canonical JSON."""
    return canonical_json({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def sarif_message(literal: str) -> Json:
    """A message without placeholders (3.11.5) and links (3.11.6), whatever a hostile file makes it quote."""
    return {"text": literal.translate(_LITERAL)}


def bom_document(version: str, body: Json) -> bytes:
    """A CycloneDX document with a serial number that follows from what it says, in canonical JSON."""
    frame = {
        "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": f"urn:uuid:{identifier('bom', version, digest_of_json(body))}",
        "version": 1,
    }
    return canonical_json(frame | body)


def bom_property(name: str, value: str) -> dict[str, str]:
    """One property in our own namespace."""
    return {"name": f"touchstone:{name}", "value": value}
