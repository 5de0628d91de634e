"""The life of a certificate after it was issued: sign changes of its status, and snapshots of where all stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import Certificate
from touchstone.evidence.envelope import LARGEST_ENVELOPE, open_envelope, sign
from touchstone.evidence.files import read_regular, write_durably
from touchstone.evidence.layout import StatementName, status_file
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.statement import Statement
from touchstone.evidence.status import Action, CertificateLife, StatusChange, snapshot, status_statement
from touchstone.laboratory.issuing import OwnLog, log_statements
from touchstone.signatures.keys import SigningKey, VerifyingKey
from touchstone.text import Text
from touchstone.tlog.log import Log


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as its issuer finds it in a folder."""

    folder: Path
    envelope: Digest
    """Digest of the signed certificate's file."""
    certificate: Certificate
    changes: tuple[StatusChange, ...]
    life: CertificateLife


def read_issued(folder: Path, key: VerifyingKey) -> Issued:
    """The certificate in a folder and all its changes, each signed by `key`. Raises `EvidenceError` otherwise."""
    path = folder / StatementName.CERTIFICATE.file
    if not path.exists():
        raise EvidenceError(
            Text("holds no certificate", "其中没有证书"),
            str(folder),
            Text("give the folder that `touchstone assess` wrote", "请指定 `touchstone assess` 写出的文件夹"),
        )
    data, signed = _open(path, key)
    certificate = Certificate.from_json(signed.predicate, str(path))
    envelope = digest_of(data)
    life = CertificateLife.begin(certificate, envelope)
    changes = []
    while (path := folder / status_file(life.changes + 1)).exists():
        data, signed = _open(path, key)
        change = StatusChange.from_json(signed.predicate, str(path))
        if status_statement(change, envelope) != signed:
            raise EvidenceError(Text("is about another certificate", "针对另一份证书"), str(path))
        life = life.after(change, digest_of(data))
        changes.append(change)
    return Issued(folder, envelope, certificate, tuple(changes), life)


def change_status(
    folder: Path,
    action: Action,
    key: SigningKey,
    *,
    reason: str,
    effective: datetime,
    removed: Collection[str] = (),
    superseded_by: Path | None = None,
    log: OwnLog | None = None,
) -> Path:
    """Sign the next change of the certificate in `folder`, log it, and return its file.

    `superseded_by` is the folder of the certificate that takes its place. Raises `EvidenceError` when the change may
    not happen now.
    """
    issued = read_issued(folder, key.public)
    replacement = None if superseded_by is None else read_issued(superseded_by, key.public).envelope
    change = issued.life.change(action, reason=reason, effective=effective, removed=removed, superseded_by=replacement)
    file = status_file(change.position)
    envelope = sign(status_statement(change, issued.envelope), key).to_bytes()
    (folder / file).parent.mkdir(exist_ok=True)
    write_durably(folder / file, envelope)
    if log is not None:
        log_statements(folder, [file], [key.public], log)
    return folder / file


def write_snapshot(
    folders: Sequence[Path],
    out: Path,
    key: SigningKey,
    *,
    issuer: str,
    as_of: datetime,
    valid_for: timedelta,
    log: Path | None = None,
) -> Path:
    """Sign where all certificates in `folders` stand now, for relying parties that verify offline."""
    issued = [read_issued(folder, key.public) for folder in folders]
    state = None
    if log is not None:
        with log_errors():
            checkpoint = Log.open(log).checkpoint
        state = (checkpoint.origin, checkpoint.size, checkpoint.root)
    taken = snapshot(
        [(each.envelope, each.certificate, each.life) for each in issued],
        issuer=issuer,
        as_of=as_of,
        valid_for=valid_for,
        log=state,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_durably(out, sign(taken, key).to_bytes())
    return out


def _open(path: Path, key: VerifyingKey) -> tuple[bytes, Statement]:
    data = read_regular(path, str(path), largest=LARGEST_ENVELOPE)
    return data, open_envelope(data, str(path), key)
