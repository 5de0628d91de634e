"""Does somebody other than the producer say how the model was built, from what, and is it this model (MI-07)?

Threat: a model that was not built from the data and the code that are shown, or that was exchanged between the build
and the delivery (MITRE ATLAS AML.T0010, AML.T0020; SLSA threats D to G).

Measured: the SLSA build level that the attestations handed in show for every file of the model, the lowest of which
counts. Level 1: an attestation names the file's SHA-256 as what was built. Level 2: it is signed by a key of the build
platform that it names, the platform is on the list of trusted builders, and the training data handed in stand among
what went into the build. Level 3 is never shown by an attestation: it is quoted from the list where the list claims it.

Cannot tell: whether the list of trusted builders deserves trust.

Source: SLSA v1.0, build track and provenance/v1; in-toto Attestation Framework; DSSE v1.0.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec

from touchstone.canonical import Digest, canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.attested_builds import HOSTED, Grade, TrustedKey, graded, levels
from touchstone.checks.model_integrity.model_files import model_files
from touchstone.errors import EvidenceError
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.signatures.dsse import PAYLOAD_TYPE, STATEMENT_TYPE, pre_authentication_encoding
from touchstone.signatures.keys import P256_ORDER, SigningKey, VerifyingKey, load_public_key
from touchstone.system.build_provenance import PROVENANCE_TYPE, attestations
from touchstone.system.registers.builders import Builder
from touchstone.system.subject import FileRecord, Subject
from touchstone.text import Text


@check(
    id="supply.provenance",
    version="1",
    title=Text("Build provenance", "构建来源证明"),
    measures=Text(
        "The SLSA build level that the attestations handed in show for every file of the model; the lowest counts. An"
        " attestation that names the file counts 1; signed by the key of a trusted builder and with the training data"
        " among what went into the build, 2; level 3 is quoted from the list of builders where that claims it.",
        "所提交的构建证明为模型各文件所示的 SLSA 构建等级，以最低者为准。证明列出该文件的，计 1 级；"
        "由受信构建平台的密钥签名且构建输入包含所提交训练数据的，计 2 级；3 级仅在平台清单有此声明时引用。",
    ),
    cannot_tell=Text(
        "Whether the list of trusted builders deserves trust: it comes with the system. Compare the key ids in the"
        " result with what the platforms publish. Whether a platform is hosted or hardened is claimed, not tested.",
        "无法判断受信构建平台清单本身是否可信：清单随系统提交，请将结果中的密钥标识与平台所公布者核对。"
        "平台是否托管或加固系其声明，未经测试。",
    ),
    remedy=Text(
        "Train on a platform that signs SLSA provenance, have it name the digests of the training data, and hand the"
        " attestation in as `model.provenance` with the platform in the register `builders`.",
        "在会签发 SLSA 来源证明的平台上训练，使证明列出训练数据的摘要，并以 `model.provenance` 提交，"
        "同时在 `builders` 登记中列出该平台。",
    ),
    threats=("AML.T0010", "AML.T0020", "CWE-345"),
    source="SLSA v1.0 build track; in-toto Statement v1; DSSE v1.0",
    needs=Needs(),
    metrics=(
        MetricDeclaration("slsa_build_level", "level", "higher", Text("SLSA build level", "SLSA 构建等级")),
        MetricDeclaration(
            "training_data_attested",
            "share",
            "higher",
            Text("training data named by a signed attestation", "签名证明所列的训练数据占比"),
        ),
    ),
)
def build_provenance(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Hold what builders state against the files that were handed in."""
    records = model_files(subject)
    trusted, notes = _trusted(subject)
    grades, refused = _grades(subject, trusted)
    training = _training_data(subject)
    found, unlinked = levels({record.digest for record in records}, grades, frozenset(training))
    metrics = [
        Metric(
            id="slsa_build_level",
            unit="level",
            value=number(min(found.values())),
            n=len(records),
            better="higher",
        )
    ]
    if training:
        named = frozenset().union(*(each.attestation.statement.materials for each in grades if each.level >= HOSTED))
        share = number(len(set(training) & named) / len(set(training)))
        metrics.append(
            Metric(id="training_data_attested", unit="share", value=share, n=len(set(training)), better="higher")
        )
    return Measurement(
        metrics=tuple(metrics),
        controls=_controls([record.digest for record in records], training, run.generator("builder")),
        exhibits=(run.exhibit("provenance.json", "application/json", _listing(records, found, grades)),),
        warnings=(
            *notes,
            *refused,
            *(grade.note for grade in grades),
            *_about_files(records, found, unlinked, grades),
            *_about_inputs(subject, grades, training),
        ),
    )


def _trusted(subject: Subject) -> tuple[list[TrustedKey], list[Note]]:
    """The builders with keys that can be used, and why others cannot."""
    trusted: list[TrustedKey] = []
    notes: list[Note] = []
    for entry in subject.register_if_any(Builder):
        try:
            key = load_public_key(entry.public_key.encode(), entry.id)
        except EvidenceError as error:
            notes.append(_note("key-not-usable", f"{entry.id}: {error.what.en}", f"{entry.id}：{error.what.zh}"))
        else:
            trusted.append(TrustedKey(entry.id, key, entry.level, entry.claim))
    return trusted, notes


def _grades(subject: Subject, trusted: Sequence[TrustedKey]) -> tuple[list[Grade], list[Note]]:
    """What each attestation is worth, and why some cannot be understood."""
    path = subject.description.model.provenance
    if path is None:
        return [], [_note("no-provenance", "no attestation of the build was handed in", "未提交构建来源证明")]
    found, refused = attestations(subject.read(path), path)
    producer = _producer(subject)
    notes = [
        _note("not-understood", f"{error.where}: {error.what.en}", f"{error.where}：{error.what.zh}")
        for error in refused
    ]
    return [graded(each, trusted, producer) for each in found], notes


def _producer(subject: Subject) -> VerifyingKey | None:
    signer = subject.description.model.signer
    try:
        return None if signer is None else load_public_key(subject.read(signer))
    except EvidenceError:
        return None  # `model.signature` says so


def _training_data(subject: Subject) -> list[Digest]:
    """Digests of all files of the training data that were handed in."""
    declared = subject.description.data.train
    if declared is None:
        return []
    if declared.format == "image-folder":
        return [record.digest for record in subject.below(declared.path)]
    return [subject.record(declared.path).digest]


def _listing(records: Sequence[FileRecord], found: dict[Digest, int], grades: Sequence[Grade]) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.build-provenance/v1",
            "files": [
                {"path": record.path, "digest": record.digest, "level": found[record.digest]} for record in records
            ],
            "attestations": [
                {
                    "where": grade.attestation.where,
                    "builder": grade.attestation.statement.builder,
                    "key": None if grade.key is None else grade.key.id,
                    "level": grade.level,
                    "built": len(grade.attestation.statement.built),
                    "materials": len(grade.attestation.statement.materials),
                }
                for grade in grades
            ],
        }
    )


def _about_files(
    records: Sequence[FileRecord], found: dict[Digest, int], unlinked: set[Digest], grades: Sequence[Grade]
) -> Iterator[Note]:
    for record in records:
        if record.digest in unlinked:
            yield _note(
                "training-data-not-named",
                f"{record.path}: what went into its build does not name all training data handed in",
                f"{record.path}：其构建输入未列出所提交的全部训练数据",
            )
        elif grades and found[record.digest] == 0:
            yield _note(
                "file-not-attested",
                f"{record.path}: no attestation that counts names it as what was built",
                f"{record.path}：没有可采信的证明将其列为构建产物",
            )


def _about_inputs(subject: Subject, grades: Sequence[Grade], training: Sequence[Digest]) -> Iterator[Note]:
    if grades and not training:
        yield _note(
            "training-data-not-handed-in",
            "the training data were not handed in, so nothing links them with the build",
            "未提交训练数据，无法将其与构建相互印证",
        )
    for attestation in (grade.attestation for grade in grades if grade.level >= HOSTED):
        if not attestation.statement.parameters:
            yield _note(
                "parameters-not-stated",
                f"{attestation.where}: the parameters of the build are not stated",
                f"{attestation.where}：未列出构建参数",
            )
        if not attestation.statement.names_code:
            yield _note(
                "code-not-named",
                f"{attestation.where}: no state of a source repository is among what went into the build",
                f"{attestation.where}：构建输入未列出源代码仓库的版本",
            )


def _note(code: str, en: str, zh: str) -> Note:
    return Note(code=code, text=Text(en, zh))


def _controls(files: Sequence[Digest], training: Sequence[Digest], lot: np.random.Generator) -> tuple[ControlRun, ...]:
    """An attestation of this very model by a builder made for the purpose, as it is and spoilt in three ways."""
    key, other = _key_by_lot(lot), _key_by_lot(lot)
    trusted = [TrustedKey("builder", key.public, HOSTED, "made for this control")]

    def level(built: Sequence[Digest], materials: Sequence[Digest], signer: SigningKey, changed: bool = False) -> int:
        data = _attestation(built, materials, signer, changed)
        grades = [graded(each, trusted, None) for each in attestations(data, "control")[0]]
        return min(levels(set(files), grades, frozenset(training))[0].values())

    sound = level(files, training, key)
    foreign = ["sha256:" + lot.bytes(32).hex()]
    spoilt = {
        "another key": level(files, training, other),
        "changed": level(files, training, key, changed=True),
        "another file": level(foreign, training, key),
    }
    missed = [name for name, reached in spoilt.items() if reached > 0]
    return (
        ControlRun(
            kind="null",
            expected=Text(
                "an attestation of these files by a trusted builder reaches level 2",
                "受信平台对这些文件的证明应达 2 级",
            ),
            seen=Text(f"level {sound}", f"{sound} 级"),
            passed=sound == HOSTED,
        ),
        ControlRun(
            kind="planted",
            expected=Text(
                "it counts nothing when signed by another key, changed, or about another file",
                "由其他密钥签名、被改动或所述为其他文件时不予计入",
            ),
            seen=Text(f"missed: {', '.join(missed) or 'nothing'}", f"未察觉：{'、'.join(missed) or '无'}"),
            passed=not missed,
        ),
    )


def _key_by_lot(lot: np.random.Generator) -> SigningKey:
    """A key that only serves a control: the same for the same lot."""
    return SigningKey.of(
        ec.derive_private_key(int.from_bytes(lot.bytes(40), "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())
    )


def _attestation(built: Sequence[Digest], materials: Sequence[Digest], key: SigningKey, changed: bool) -> bytes:
    """A signed statement as a build platform writes it; `changed` by one byte after it was signed."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [_resource(digest) for digest in built],
        "predicateType": PROVENANCE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": "control",
                "externalParameters": {"epochs": 1},
                "resolvedDependencies": [_resource(digest) for digest in materials],
            },
            "runDetails": {"builder": {"id": "builder"}},
        },
    }
    payload = json.dumps(statement).encode()
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    if changed:
        payload = payload.replace(b'"epochs": 1', b'"epochs": 2')
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps(envelope).encode()


def _resource(digest: Digest) -> dict[str, object]:
    return {"digest": {"sha256": digest.removeprefix("sha256:")}}
