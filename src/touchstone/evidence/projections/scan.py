"""What the format scan wrote down about each model file, read as if a hostile worker had written it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from touchstone.errors import EvidenceError
from touchstone.evidence.projections.source import Source
from touchstone.records import Record
from touchstone.signatures.exact import Sha256
from touchstone.text import Text

FORMAT_SCAN: Final = "model.format_scan"
FINDINGS: Final = "findings.json"

Count = Annotated[int, Field(ge=0, strict=True)]


class ScannedConstruct(Record):
    """One thing in a file that runs, or may run, code when the file is loaded."""

    kind: str
    severity: Literal["critical", "high", "medium"]
    where: str
    offset: Count | None
    shown: str
    what: Text


class ScannedFile(Record):
    """Everything about one file."""

    path: str
    digest: Sha256
    size: Count
    format: str
    unsafe_format: bool
    not_understood: tuple[Text, ...]
    constructs: tuple[ScannedConstruct, ...]


class Scan(Record):
    """The exhibit of the format scan."""

    schema_: Literal["touchstone.format-scan/v1"] = Field(alias="schema")
    files: tuple[ScannedFile, ...]


def scanned_files(source: Source) -> tuple[ScannedFile, ...] | None:
    """The files that were screened; none when the scan did not run, `None` when what it wrote cannot be used.

    It can be used when it has the right form and speaks only of files of this system.
    """
    made = source.observations.get(FORMAT_SCAN)
    exhibits = [] if made is None else [each for each in made.exhibits if each.name == FINDINGS]
    if not exhibits:
        return ()
    content = source.exhibit(exhibits[0])
    try:
        files = Scan.from_bytes(content, FINDINGS).files
    except EvidenceError:
        return None
    known = {(file.path, file.digest, file.size) for file in source.files}
    return files if all((file.path, file.digest, file.size) in known for file in files) else None
