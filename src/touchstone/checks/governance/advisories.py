"""Published advisories in CSAF 2.0 (OASIS; ISO/IEC 20153:2025): are they what the case log says was published?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchstone.canonical import parse_json
from touchstone.errors import UserError
from touchstone.system.subject import Subject
from touchstone.text import Text

_LARGEST = 16 * 1024 * 1024
_REQUIRED = (
    ("document", "category"),
    ("document", "csaf_version"),
    ("document", "title"),
    ("document", "publisher", "category"),
    ("document", "publisher", "name"),
    ("document", "publisher", "namespace"),
    ("document", "tracking", "current_release_date"),
    ("document", "tracking", "id"),
    ("document", "tracking", "initial_release_date"),
    ("document", "tracking", "revision_history"),
    ("document", "tracking", "status"),
    ("document", "tracking", "version"),
)
"""Fields without which a document is no CSAF document (3.2.1), by their way from the root."""
_OF_AN_ADVISORY = (("product_tree",), ("vulnerabilities",))
"""What the profiles for advisories ask for beyond them (4.4, 4.5)."""


@dataclass(frozen=True, slots=True)
class CsafDocument:
    """One document: what it calls itself, since when it is public, and what it lacks."""

    id: str
    released: datetime | None
    lacks: tuple[str, ...]


def advisories(subject: Subject) -> dict[str, CsafDocument]:
    """The CSAF documents among the documents that were handed in, by what they call themselves.

    What cannot be read is none.
    """
    paths = sorted({document.path for document in subject.description.documents})
    found = [_read(subject.read(path), path) for path in paths if path.lower().endswith(".json")]
    return {document.id: document for document in found if document is not None}


def _read(content: bytes, path: str) -> CsafDocument | None:
    try:
        value = parse_json(content, path, largest=_LARGEST, any_number=True)
    except UserError:
        return None
    name = _at(value, ("document", "tracking", "id"))
    if not isinstance(name, str):
        return None
    return CsafDocument(
        name, _moment(_at(value, ("document", "tracking", "initial_release_date"))), tuple(_lacks(value))
    )


def _lacks(value: Any) -> Iterator[str]:
    category = _at(value, ("document", "category"))
    profile = _OF_AN_ADVISORY if category in ("csaf_security_advisory", "csaf_vex") else ()
    for way in (*_REQUIRED, *profile):
        if _at(value, way) in (None, "", [], {}):
            yield ".".join(way)
    if _at(value, ("document", "csaf_version")) not in (None, "2.0", "2.1"):
        yield "document.csaf_version 2.0"
    if _at(value, ("document", "tracking", "status")) == "draft":
        yield "document.tracking.status final"


def _at(value: Any, way: tuple[str, ...]) -> Any:
    for name in way:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def what_is_wrong(document: CsafDocument | None, published: datetime) -> Text | None:
    """Why this is not the advisory that was published then; `None` when it is."""
    if document is None:
        return Text("was not handed in as CSAF", "未以 CSAF 格式提交")
    if document.lacks:
        listed = ", ".join(document.lacks)
        return Text(f"lacks {listed}", f"缺少 {listed}")
    if document.released is None or abs((document.released - published).total_seconds()) > 24 * 3600:
        return Text("names another day of release than the log", "所载发布日期与案件记录不符")
    return None
