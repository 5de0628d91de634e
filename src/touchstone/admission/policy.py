"""What a gate's owner lets in: a YAML file that can only be stricter than the scan, never kinder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field

from touchstone.records import Record
from touchstone.scan.findings import Severity

FormatName = Annotated[str, Field(min_length=1, max_length=64)]


class GatePolicy(Record):
    """One gate's policy. A file that was not completely understood is never admitted, whatever stands here."""

    schema_: Literal["touchstone.gate-policy/v1"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1, max_length=255)]
    refuse_at: Severity = "high"
    """A threat of this severity, or a worse one, refuses the item."""
    quarantine_at: Severity = "medium"
    """Any other finding of this severity, or a worse one, sets it aside for a person."""
    formats: tuple[FormatName, ...] = ()
    """Formats that are admitted, as `touchstone scan` names them; an item with another is set aside. None: all."""
    code_formats: bool = True
    """Whether formats that can run code by design are admitted when this file of theirs runs none that is unknown."""
    largest_bytes: int = Field(default=64 * 2**30, gt=0)
    """Size of a whole item."""
    most_files: int = Field(default=10_000, gt=0)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a policy. Raises `UserError` that says what is wrong with it."""
        from touchstone.documents import read_yaml

        document = read_yaml(path)
        return cls.from_json(document.value, document.where)


DEFAULT = GatePolicy(schema="touchstone.gate-policy/v1", name="default")
"""Threats are refused; what is unreviewed or not understood is set aside; the rest is admitted."""
