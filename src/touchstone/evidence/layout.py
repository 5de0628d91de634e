"""Where everything lies in an output folder: every file name of the evidence, spelt once."""

from __future__ import annotations

from enum import StrEnum

EVIDENCE_FOLDER = "evidence"
EVIDENCE_ZIP = "evidence.zip"
"""The evidence folder as one file, byte for byte what `bundle.pack` writes."""

OCI_LAYOUT = "oci-layout"
INDEX = "index.json"
BLOBS = "blobs/sha256"

RECEIPTS = "receipts"
CHECKPOINT = "checkpoint"
ASSESSMENT = "assessment.json"
"""A copy of the bundle's assessment for programs, byte for byte the same."""


def receipt_of(file: str) -> str:
    """Path of the log's receipt (C2SP tlog-proof) for the signed statement in `file`."""
    return f"{RECEIPTS}/{file.removesuffix('.dsse.json')}.tlog-proof"


def timestamp_of(file: str) -> str:
    """Path of the timestamp (RFC 3161) over the signature in the signed statement in `file`."""
    return f"{RECEIPTS}/{file.removesuffix('.dsse.json')}.tsr"


def sigstore_of(file: str) -> str:
    """Path of the signed statement in `file`, its receipt and its timestamp as one Sigstore bundle."""
    return f"{RECEIPTS}/{file.removesuffix('.dsse.json')}.sigstore.json"


def cose_of(file: str) -> str:
    """Path of the log's receipt for the signed statement in `file` in COSE (RFC 9942)."""
    return f"{RECEIPTS}/{file.removesuffix('.dsse.json')}.cose"


def sm2_of(file: str) -> str:
    """Path of the second envelope, signed with SM2, of the statement in `file`."""
    return f"{file.removesuffix('.dsse.json')}.sm2.dsse.json"


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
        return receipt_of(self.file)

    @property
    def predicate_type(self) -> str:
        """The in-toto predicate type (a URN)."""
        return f"urn:touchstone:predicate:{self}:v1"


class LaterStatement(StrEnum):
    """Signed statements that are made about a certificate or an assessment after it."""

    STATUS = "status"
    STATUS_LIST = "status-list"
    RECOGNITION = "recognition"
    REPLICATION = "replication"

    @property
    def predicate_type(self) -> str:
        """The in-toto predicate type (a URN)."""
        return f"urn:touchstone:predicate:{self}:v1"


STATUS_FOLDER = "status"
"""Changes of a certificate's status, in the order in which they were made."""
REPLICATIONS = "replications"
"""What other laboratories found when they ran the plan again."""
RECOGNITIONS = "recognitions"
"""Who recognises whose certificates."""


def status_file(position: int) -> str:
    """Path of the `position`-th change of status, counted from 1."""
    return f"{STATUS_FOLDER}/{position:04}.dsse.json"


KEPT_STATEMENTS = "statements"
"""Beside a log, the signed statements that its entries name."""


def kept_file(digest: str) -> str:
    """Path beside a log of the signed statement whose file has that SHA-256."""
    return f"{KEPT_STATEMENTS}/{digest.removeprefix('sha256:')}.dsse.json"


class Role(StrEnum):
    """What an entry of the bundle is for. Records are stored as their canonical bytes."""

    DESCRIPTION = "description"
    FILES = "files"
    MODEL = "model"
    """The tested model's files as OpenSSF Model Signing states them, to compare with a supplier's signature."""
    CIRCUMSTANCES = "circumstances"
    PROFILE = "profile"
    PLAN = "plan"
    CHECKS = "checks"
    OBSERVATION = "observation"
    EXECUTION = "execution"
    EXHIBIT = "exhibit"
    LOCK = "lock"
    """What shows that the plan was signed and on a log before the first check began."""
    RERUN = "rerun"
    """What a check measured when it was run a second time."""
    PROJECTION = "projection"
    """What follows from the other entries, in another format; made again by whoever verifies."""
    ASSESSMENT = "assessment"
