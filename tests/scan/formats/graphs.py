"""What the tests of graph formats ask of every one of them."""

from __future__ import annotations

from typing import Final

from touchstone.scan.findings import FileResult

OUTSIDE: Final = (
    "/etc/passwd",
    "../../w.bin",
    "sub/../../w.bin",
    "..\\w.bin",
    "C:\\w.bin",
    "\\\\host\\share",
    "~/w.bin",
    "https://host/w.bin",
)
"""Paths that lead out of a model's folder on some system."""


def is_plainly_clean(result: FileResult) -> bool:
    """Whether nothing was found and nothing left out; shows what was, when not."""
    assert result.findings == ()
    assert result.gaps == ()
    return result.verdict == "clean"


def shown(result: FileResult, rule: str) -> list[str]:
    """What was found under a rule."""
    return [finding.shown for finding in result.findings if finding.rule == rule]
