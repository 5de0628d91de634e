"""Is the model under test the one that its supplier signed?

Threat: a model that was exchanged or changed on its way from the supplier to the tester or into operation
(MITRE ATLAS AML.T0010.003, CWE-345).

Measured: the share of the model's files whose SHA-256 stands in the supplier's signature under the same path, once
that signature is known to be by the key that was handed in. A file that no signature covers counts as not signed.

Cannot tell: whether the key is the supplier's. The key comes with the system; whoever relies on the result compares
its id, which is part of the result, with what the supplier publishes.

Source: OpenSSF Model Signing v1.0; FIPS 186-5 (ECDSA).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePosixPath

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.model_files import model_files
from touchstone.errors import EvidenceError
from touchstone.records import ControlRun, Metric, Note
from touchstone.signatures.keys import VerifyingKey, load_public_key
from touchstone.system.fingerprints import SINGLE_FILE
from touchstone.system.model_signing import signed_files
from touchstone.system.subject import FileRecord, Subject
from touchstone.text import Text


@check(
    id="model.signature",
    version="1",
    title=Text("Model signature", "模型签名"),
    measures=Text(
        "The share of the model's files that are, byte for byte, those named in the supplier's signature (OpenSSF Model"
        " Signing). A model without a signature counts as unsigned.",
        "模型文件中与供应方签名（OpenSSF Model Signing）所列逐字节一致的比例；没有签名的模型按未签名计。",
    ),
    cannot_tell=Text(
        "Whether the key belongs to the supplier: compare its id with what the supplier publishes. A signature says who"
        " vouches for a model, not that the model is good.",
        "无法判断公钥是否确属供应方：请与供应方公布的密钥标识核对。签名只说明由谁担保，不说明模型本身良好。",
    ),
    remedy=Text(
        "Have the supplier sign the files that are delivered (`touchstone model sign`), and hand in the signature and"
        " the public key with the system.",
        "请供应方对所交付文件签名（`touchstone model sign`），并随系统提交签名与公钥。",
    ),
    threats=("AML.T0010.003", "CWE-345"),
    source="OpenSSF Model Signing v1.0; FIPS 186-5",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "signature_valid",
            "share_of_artefacts",
            "higher",
            Text("Model files covered by a valid signature", "有效签名所覆盖的模型文件占比"),
        ),
    ),
)
def signature(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compare the digests taken when the system was opened with those that were signed."""
    records = model_files(subject)
    declared = subject.description.model
    key: VerifyingKey | None = None
    signed: dict[str, str] = {}
    notes: list[Note] = []
    if declared.signature is None or declared.signer is None:
        notes.append(_note("no-signature", Text("no signature was handed in", "未提交签名")))
    else:
        try:
            key = load_public_key(subject.read(declared.signer))
            signed = signed_files(subject.read(declared.signature), declared.signature, key)
        except EvidenceError as error:
            notes.append(
                _note("signature-not-valid", Text(f"{error.where}: {error.what.en}", f"{error.where}：{error.what.zh}"))
            )
    covered = _covered(records, signed)
    notes += [_difference(record, signed) for record in records if signed and record.path not in covered]
    share = Decimal(len(covered)) / Decimal(len(records))
    listing = {
        "schema": "touchstone.signature/v1",
        "signer": None if key is None else key.id,
        "files": [
            {"path": record.path, "digest": record.digest, "signed": record.path in covered} for record in records
        ],
    }
    return Measurement(
        metrics=(
            Metric(id="signature_valid", unit="share_of_artefacts", value=share, n=len(records), better="higher"),
        ),
        controls=_controls(records),
        exhibits=(run.exhibit("signature.json", "application/json", canonical_json(listing)),),
        warnings=tuple(notes),
    )


def _covered(records: list[FileRecord], signed: Mapping[str, str]) -> set[str]:
    """Paths whose digest was signed, all seen from the one folder from which most of them fit.

    A signature names files as seen from the folder that was signed, or `.` for a model of one file; where that folder
    lay at the supplier is not known.
    """
    if len(records) == 1 and signed == {SINGLE_FILE: records[0].digest.removeprefix("sha256:")}:
        return {records[0].path}
    folders = set(PurePosixPath(records[0].path).parents)
    fits = [
        {
            record.path
            for record in records
            if PurePosixPath(record.path).is_relative_to(folder)
            and signed.get(PurePosixPath(record.path).relative_to(folder).as_posix())
            == record.digest.removeprefix("sha256:")
        }
        for folder in sorted(folders)
    ]
    return max(fits, key=len, default=set())


def _difference(record: FileRecord, signed: Mapping[str, str]) -> Note:
    named = any(name == SINGLE_FILE or record.path.endswith(name) for name in signed)
    text = (
        Text(f"{record.path} is not the file that was signed", f"{record.path} 与签名时的文件不一致")
        if named
        else Text(f"{record.path} was not signed", f"{record.path} 未被签名")
    )
    return _note("file-not-as-signed", text)


def _note(code: str, text: Text) -> Note:
    return Note(code=code, text=text)


def _controls(records: list[FileRecord]) -> tuple[ControlRun, ControlRun]:
    """The comparison must accept the files as they are, and notice one other digest."""
    as_signed = {record.path: record.digest.removeprefix("sha256:") for record in records}
    exchanged = as_signed | {records[0].path: "0" * 64}
    noticed = records[0].path not in _covered(records, exchanged)
    accepted = len(_covered(records, as_signed)) == len(records)
    return (
        ControlRun(
            kind="planted",
            expected=Text(
                f"{records[0].path} with another digest is not covered", f"{records[0].path} 摘要不同时不算覆盖"
            ),
            seen=Text("noticed" if noticed else "missed", "已察觉" if noticed else "未察觉"),
            passed=noticed,
        ),
        ControlRun(
            kind="null",
            expected=Text("the files as they are, signed, are covered", "按现状签名的文件应全部覆盖"),
            seen=Text("covered" if accepted else "not covered", "已覆盖" if accepted else "未覆盖"),
            passed=accepted,
        ),
    )
