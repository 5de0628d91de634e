"""Formats of text: told by what their first lines say, and by name where their own loaders go by the name."""

from __future__ import annotations

from touchstone.scan.source import Source


def recognise_text(source: Source, head: bytes, name: str) -> str | None:
    """Name the format, or `None` when the bytes are no text."""
    return None
