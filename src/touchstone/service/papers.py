"""Papers as a clerk reads them: entries of a name and a value, however the paper sets them apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from touchstone.methods.content.entities import unescaped

_BREAKS = re.compile(r"</?(?:li|ul|ol|p|tr|table|div|br|h[1-6]|span)\b[^<>]*>", re.IGNORECASE)
_CELLS = re.compile(r"</t[dh]>\s*<t[dh][^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{1,200}>")
_ENTRY = re.compile(r"[\W_]*([^\W_][^:：,\"<>]{0,60}?)[\"']?\s*[:：,]\s*[\"']?(.{1,200}?)[\"']?,?\s*")
_FENCED = re.compile(r"^-{3,}\s*$", re.MULTILINE)


def request_and_paper(text: str) -> tuple[str, str]:
    """What a user asks for, and the paper they hand in with it: between lines of hyphens, or below an empty line."""
    parts = _FENCED.split(text, maxsplit=1)
    if len(parts) == 2:
        return parts[0].split("\n\n")[0], _FENCED.sub("\n", parts[1])
    request, _, paper = text.partition("\n\n")
    return request, paper


def entries(paper: str) -> dict[str, str]:
    """Every entry of a paper: HTML, CSV, JSON, code or plain lines."""
    return dict(_entries(paper))


def _entries(paper: str) -> Iterator[tuple[str, str]]:
    try:
        document = json.loads(paper)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        yield from ((str(name), str(value)) for name, value in document.items())
        return
    lines = _TAG.sub("", _BREAKS.sub("\n", _CELLS.sub(": ", paper)))
    for line in unescaped(lines).splitlines():
        if found := _ENTRY.fullmatch(line):
            yield found.group(1).strip(), found.group(2).strip()
