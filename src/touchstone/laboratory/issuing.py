"""Sign what was planned and concluded, and put it on the log, each statement once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError, UserError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.certificate import decide
from touchstone.evidence.cose_receipt import cose_receipt
from touchstone.evidence.disclosed import keep_statement
from touchstone.evidence.envelope import Envelope, open_envelope, sign
from touchstone.evidence.files import read_regular, write_durably
from touchstone.evidence.layout import (
    CHECKPOINT,
    RECEIPTS,
    StatementName,
    cose_of,
    receipt_of,
    sigstore_of,
    timestamp_of,
)
from touchstone.evidence.leaf import leaf_of
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.sigstore_bundle import LARGEST_BUNDLE, sigstore_bundle, with_proof
from touchstone.evidence.statement import FROM_SYSTEM, Seeds, Statement, assessment_statement, plan_statement
from touchstone.evidence.timestamp import LARGEST_RESPONSE, stamped_bytes
from touchstone.laboratory.recording import Recorded
from touchstone.laboratory.timestamping import Stamper
from touchstone.records import Plan
from touchstone.signatures.keys import LogSigningKey, LogVerifyingKey, SigningKey, VerifyingKey
from touchstone.text import Text
from touchstone.tlog.log import Log
from touchstone.tlog.proof import LARGEST_PROOF, TlogProof


@dataclass(frozen=True, slots=True)
class OwnLog:
    """A log in a folder, and the key that signs its checkpoints."""

    folder: Path
    key: LogSigningKey


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs, who says when, and the log that makes what is signed public. Without both, it is signed only."""

    name: str
    key: SigningKey
    """Signs the plan and the assessment: the tester's."""
    log: OwnLog | None = None
    stamper: Stamper | None = None
    decision_key: SigningKey | None = None
    """Signs the certificate or refusal, where somebody else decides than tests."""

    @property
    def decider(self) -> SigningKey:
        """The key of whoever decides."""
        return self.decision_key or self.key

    @property
    def public(self) -> tuple[VerifyingKey, VerifyingKey]:
        """The public keys of tester and decider."""
        return self.key.public, self.decider.public


def require_log(issuer: Issuer) -> None:
    """Raise `EvidenceError` when the issuer names a log that is none, or is not kept with the issuer's key."""
    if issuer.log is not None:
        with log_errors():
            Log.open(issuer.log.folder, issuer.log.key).close()


def issue_plan(folder: Path, plan: Plan, system_name: str, issuer: Issuer) -> None:
    """Sign and log the plan, before any result exists. Raises `UserError` when another plan was signed here."""
    planned = plan_statement(system_name, plan)
    _refuse_another_plan(folder / StatementName.PLAN.file, planned, issuer)
    _sign_once(folder, StatementName.PLAN, lambda: planned, issuer, issuer.key)
    if issuer.log is not None:
        with log_errors(), Log.open(issuer.log.folder, issuer.log.key) as log:
            _append(log, folder, [StatementName.PLAN.file], issuer.public, issuer.log)


def _refuse_another_plan(path: Path, planned: Statement, issuer: Issuer) -> None:
    """A folder holds one plan, signed by one key: what is there must be what would be signed now."""
    if not path.exists():
        return
    try:
        same = open_envelope(path.read_bytes(), path.name, issuer.key.public) == planned
    except EvidenceError:
        same = False
    if not same:
        raise UserError(
            Text(
                "is the signed plan of another assessment (other system, profile, budget, selection or key)",
                "是另一测评（系统、档案、预算、选项或密钥不同）的已签名方案",
            ),
            str(path),
            Text("choose another --output", "请用 --output 指定其他目录"),
        )


def issue_decision(
    folder: Path, bundle: Bundle, recorded: Recorded, issuer: Issuer, issued: datetime, seeds: Seeds = FROM_SYSTEM
) -> Path:
    """Sign the assessment and the certificate or refusal that follows from it, and log both. Returns the latter."""
    assessment, manifest = recorded.assessment, bundle.manifest

    def concluded() -> Statement:
        return assessment_statement(
            assessment, evidence=bundle.manifest_digest, reproducible=manifest.reproducible, seeds=seeds
        )

    envelope = _sign_once(folder, StatementName.ASSESSMENT, concluded, issuer, issuer.key)

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
    _sign_once(folder, decision, decided, issuer, issuer.decider)
    if issuer.log is not None:
        tested, decided_file = [StatementName.PLAN.file, StatementName.ASSESSMENT.file], decision.file
        note = log_statements(folder, [*tested, decided_file], issuer.public, issuer.log)
        write_durably(folder / CHECKPOINT, note)
        write_sigstore_bundles(folder, tested, issuer.key.public, issuer.log.key.public)
        write_sigstore_bundles(folder, [decided_file], issuer.decider.public, issuer.log.key.public)
    return folder / decision.file


def _sign_once(
    folder: Path, name: StatementName, make: Callable[[], Statement], issuer: Issuer, key: SigningKey
) -> bytes:
    """The signed statement in the folder; made now if an earlier, interrupted run has not."""
    path = folder / name.file
    if not path.exists():
        write_durably(path, sign(make(), key).to_bytes())
    if issuer.stamper is not None and not (folder / timestamp_of(name.file)).exists():
        (folder / RECEIPTS).mkdir(exist_ok=True)
        signature = stamped_bytes(Envelope.from_bytes(path.read_bytes(), name.file))
        write_durably(folder / timestamp_of(name.file), issuer.stamper.stamp(signature))
    return path.read_bytes()


def write_sigstore_bundles(folder: Path, files: Sequence[str], signer: VerifyingKey, log: LogVerifyingKey) -> list[str]:
    """Keep statements that have a receipt and a timestamp also as Sigstore bundles. Returns the paths of these."""
    written = []
    for file in files:
        receipt, stamp, path = receipt_of(file), timestamp_of(file), sigstore_of(file)
        if (folder / receipt).exists() and (folder / stamp).exists():
            envelope = (folder / file).read_bytes()
            open_envelope(envelope, file, signer)
            with log_errors():
                proof = TlogProof.parse(read_regular(folder / receipt, receipt, largest=LARGEST_PROOF), receipt)
            token = read_regular(folder / stamp, stamp, largest=LARGEST_RESPONSE)
            bundle = sigstore_bundle(Envelope.from_bytes(envelope, file), signer, proof, log, token)
            write_durably(folder / path, bundle)
            written.append(path)
    return written


def write_cose_receipts(folder: Path, files: Sequence[str], signer: VerifyingKey, key: LogSigningKey) -> list[str]:
    """Keep the receipts of statements also in COSE, signed with a key for receipts. Returns their paths."""
    written = []
    for file in files:
        receipt, path = receipt_of(file), cose_of(file)
        if (folder / receipt).exists():
            with log_errors():
                proof = TlogProof.parse(read_regular(folder / receipt, receipt, largest=LARGEST_PROOF), receipt)
            write_durably(folder / path, cose_receipt(_leaf(folder, file, [signer]), proof, key))
            written.append(path)
    return written


def renew_receipts(folder: Path, log: Log) -> list[str]:
    """Let the receipts in an output folder rest on the log's present checkpoint, which witnesses may have cosigned.

    Returns the paths of the receipts. Raises `EvidenceError` unless the log still holds what they were given for.
    """
    paths = sorted((folder / RECEIPTS).rglob("*.tlog-proof"))
    with log_errors():
        for path in paths:
            given = TlogProof.parse(read_regular(path, str(path), largest=LARGEST_PROOF), str(path))
            if not log.extends(given.checkpoint):
                raise EvidenceError(
                    Text(
                        "is the receipt of another log, or of one that was rolled back", "是另一日志或已回退日志的回执"
                    ),
                    str(path),
                )
            proof = log.prove(given.index)
            write_durably(path, proof.to_bytes())
            bundle = path.with_suffix(".sigstore.json")
            if bundle.exists():
                data = read_regular(bundle, str(bundle), largest=LARGEST_BUNDLE)
                write_durably(bundle, with_proof(data, proof, str(bundle)))
        write_durably(folder / CHECKPOINT, log.note.to_bytes())
    return [path.relative_to(folder).as_posix() for path in paths]


def log_statements(folder: Path, files: Sequence[str], signers: Collection[VerifyingKey], own: OwnLog) -> bytes:
    """Append statements that one of `signers` signed, and keep their receipts, all resting on one checkpoint: returned.

    The statements themselves are kept beside the log, before it names them. One that is on the log already keeps its
    place. Raises `EvidenceError` when another key signed one.
    """
    with log_errors(), Log.open(own.folder, own.key) as log:
        for file, index in zip(files, _append(log, folder, files, signers, own), strict=True):
            receipt = folder / receipt_of(file)
            receipt.parent.mkdir(parents=True, exist_ok=True)
            write_durably(receipt, log.prove(index).to_bytes())
        return log.note.to_bytes()


def _append(log: Log, folder: Path, files: Sequence[str], signers: Collection[VerifyingKey], own: OwnLog) -> list[int]:
    leaves = [_leaf(folder, file, signers) for file in files]
    for file in files:
        keep_statement(own.folder, (folder / file).read_bytes())
    return log.append_many(leaves)


def _leaf(folder: Path, file: str, signers: Collection[VerifyingKey]) -> bytes:
    data = (folder / file).read_bytes()
    envelope = Envelope.from_bytes(data, file)
    signer = next((key for key in signers if key.id == envelope.keyid), next(iter(signers)))
    open_envelope(data, file, signer)
    return leaf_of(envelope, signer, file)
