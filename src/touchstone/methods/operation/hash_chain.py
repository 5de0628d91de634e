"""A log whose lines each name the digest of the line before: what was changed, taken out or put in later, shows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def line_digest(line: bytes) -> str:
    """What the next line names: SHA-256 of a line without its end."""
    return "sha256:" + hashlib.sha256(line.rstrip(b"\r\n")).hexdigest()


def holds(lines: Sequence[bytes], named: Sequence[str | None]) -> list[bool]:
    """For each line, whether it names the line before it; the first must name none.

    A line that was changed breaks the link of the line after it, because that is where its digest stands: who wants to
    know whether a line is as it was written looks at the following link too. The last line has none.
    """
    before = [None, *(line_digest(line) for line in lines)]
    return [name == digest for name, digest in zip(named, before, strict=False)]
