"""Sign what was planned and concluded, and put it on the log, each statement once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from touchstone.canonical import digest_of
from touchstone.errors import UserError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.certificate import decide
from touchstone.evidence.envelope import sign
from touchstone.evidence.files import write_durably
from touchstone.evidence.keys import SigningKey
from touchstone.evidence.layout import CHECKPOINT, RECEIPTS, StatementName
from touchstone.evidence.log import Log
from touchstone.evidence.statement import Statement, assessment_statement, plan_statement
from touchstone.laboratory.recording import Recorded
from touchstone.records import Plan
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs, and the log that makes what is signed public. Without a log statements are signed only."""

    name: str
    key: SigningKey
    log: Path | None = None
    log_key: SigningKey | None = None


def require_log(issuer: Issuer) -> None:
    """Raise `EvidenceError` when the issuer names a log that is none, or is not kept with the issuer's key."""
    if issuer.log is not None:
        Log.open(issuer.log).require_own(issuer.log_key or issuer.key)


def issue_plan(folder: Path, plan: Plan, system_name: str, issuer: Issuer) -> None:
    """Sign and log the plan, before any result exists. Raises `UserError` when another plan was signed here."""
    path = folder / StatementName.PLAN.file
    envelope = sign(plan_statement(system_name, plan), issuer.key).to_bytes()
    if not path.exists():
        write_durably(path, envelope)
    elif path.read_bytes() != envelope:  # equal plans signed by one key have equal bytes
        raise UserError(
            Text(
                "is the signed plan of another assessment (other system, profile, budget, selection or key)",
                "是另一测评（系统、档案、预算、选项或密钥不同）的已签名方案",
            ),
            str(path),
            Text("choose another --output", "请用 --output 指定其他目录"),
        )
    if issuer.log is not None:
        Log.open(issuer.log).append(envelope, issuer.log_key or issuer.key)


def issue_decision(folder: Path, bundle: Bundle, recorded: Recorded, issuer: Issuer, issued: datetime) -> Path:
    """Sign the assessment and the certificate or refusal that follows from it, and log both. Returns the latter."""
    assessment, manifest = recorded.assessment, bundle.manifest

    def concluded() -> Statement:
        return assessment_statement(assessment, evidence=bundle.manifest_digest, reproducible=manifest.reproducible)

    envelope = _sign_once(folder, StatementName.ASSESSMENT, concluded, issuer)

    def decided() -> Statement:
        return decide(
            assessment,
            recorded.profile,
            assessment_envelope=digest_of(envelope),
            evidence=bundle.manifest_digest,
            holder=assessment.system.supplier,
            issuer=issuer.name,
            issued=issued,
        )

    decision = StatementName.CERTIFICATE if assessment.verdict == "pass" else StatementName.REFUSAL
    _sign_once(folder, decision, decided, issuer)
    if issuer.log is not None:
        _log_all(folder, (StatementName.PLAN, StatementName.ASSESSMENT, decision), issuer.log, issuer)
    return folder / decision.file


def _sign_once(folder: Path, name: StatementName, make: Callable[[], Statement], issuer: Issuer) -> bytes:
    """The signed statement in the folder; made now if an earlier, interrupted run has not."""
    path = folder / name.file
    if not path.exists():
        write_durably(path, sign(make(), issuer.key).to_bytes())
    return path.read_bytes()


def _log_all(folder: Path, names: Sequence[StatementName], log_folder: Path, issuer: Issuer) -> None:
    """Append what is not on the log yet, then keep receipts that all rest on the log's present checkpoint."""
    log = Log.open(log_folder)
    indexes = [log.append((folder / name.file).read_bytes(), issuer.log_key or issuer.key) for name in names]
    (folder / RECEIPTS).mkdir(exist_ok=True)
    for name, receipt in zip(names, log.receipts(indexes), strict=True):
        write_durably(folder / name.receipt, receipt.to_bytes())
    write_durably(folder / CHECKPOINT, log.note.to_bytes())
