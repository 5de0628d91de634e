"""The five severities of a corruption."""

from __future__ import annotations

SEVERITIES = (1, 2, 3, 4, 5)


def at(severity: int, *constants: float) -> float:
    """The constant that belongs to a severity, the mildest first."""
    return constants[severity - 1]
