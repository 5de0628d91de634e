"""Where everything lies in an output folder: every file name of the evidence, spelt once."""

from __future__ import annotations

from enum import StrEnum

EVIDENCE_FOLDER = "evidence"
EVIDENCE_ZIP = "evidence.zip"
"""The evidence folder as one file, byte for byte what `bundle.pack` writes."""

MANIFEST = "manifest.json"
BLOBS = "blobs/sha256"

RECEIPTS = "receipts"
CHECKPOINT = "checkpoint"
ASSESSMENT = "assessment.json"
"""A copy of the bundle's assessment for programs, byte for byte the same."""


class StatementName(StrEnum):
    """The signed statements of one assessment, in the order in which they are made."""

    PLAN = "plan"
    ASSESSMENT = "assessment"
    CERTIFICATE = "certificate"
    REFUSAL = "refusal"

    @property
    def file(self) -> str:
        """Name of the signed statement's file."""
        return f"{self}.dsse.json"

    @property
    def receipt(self) -> str:
        """Path of the log's receipt for the statement."""
        return f"{RECEIPTS}/{self}.json"

    @property
    def predicate_type(self) -> str:
        """The in-toto predicate type (a URN)."""
        return f"urn:touchstone:predicate:{self}:v1"


class Role(StrEnum):
    """What an entry of the bundle is for. Records are stored as their canonical bytes."""

    DESCRIPTION = "description"
    FILES = "files"
    CIRCUMSTANCES = "circumstances"
    PROFILE = "profile"
    PLAN = "plan"
    CHECKS = "checks"
    OBSERVATION = "observation"
    EXECUTION = "execution"
    EXHIBIT = "exhibit"
    ASSESSMENT = "assessment"
