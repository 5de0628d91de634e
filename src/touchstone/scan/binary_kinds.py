"""Formats without a magic number: told by their first fields, which must make sense together."""

from __future__ import annotations

from touchstone.scan.source import Source


def recognise_binary(source: Source, head: bytes) -> str | None:
    """Name the format, or `None` when the bytes are text or nothing we know."""
    return None
