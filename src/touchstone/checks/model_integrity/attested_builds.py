"""What the attestations of a build are worth, and which files of the model they speak of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from touchstone.canonical import Digest
from touchstone.errors import EvidenceError
from touchstone.records import Note
from touchstone.signatures.keys import VerifyingKey
from touchstone.system.build_provenance import Attestation
from touchstone.system.problem import shown
from touchstone.text import Text

HOSTED = 2
"""From this level on a build platform signs, and what went into the build must be named."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key by which a build platform is known, and the level that is claimed for the platform."""

    builder: str
    key: VerifyingKey
    level: int
    claim: str


@dataclass(frozen=True, slots=True)
class Grade:
    """What one attestation is worth by its signature alone."""

    attestation: Attestation
    level: int
    note: Note
    key: VerifyingKey | None = None


def graded(attestation: Attestation, trusted: Iterable[TrustedKey], producer: VerifyingKey | None) -> Grade:
    """Level 2 or 3 for a signature by a key of the very builder that is named, 1 for nobody's word, 0 for a false one.

    `producer` is the key by which the model itself is signed: a platform with the same key is not apart from whoever
    produced the model.
    """
    builder, where = shown(attestation.statement.builder), attestation.where
    listed = [each for each in trusted if each.builder == attestation.statement.builder]
    if not attestation.signed:
        return Grade(attestation, 1, _note("unsigned", where, "is not signed", "未签名"))
    if not listed:
        return Grade(
            attestation,
            1,
            _note("builder-not-listed", where, f"{builder} is no trusted builder", f"{builder} 不在受信构建平台之列"),
        )
    try:
        signer = next((each for each in listed if attestation.is_signed_by(each.key)), None)
    except EvidenceError as error:
        return Grade(attestation, 0, _note("not-understood", where, error.what.en, error.what.zh))
    return _of_nobody_listed(attestation) if signer is None else _of(signer, attestation, producer)


def _of_nobody_listed(attestation: Attestation) -> Grade:
    """A signature in the name of a listed builder by none of its keys."""
    builder, where = shown(attestation.statement.builder), attestation.where
    if attestation.by_certificate:
        unread = f"{builder} is known here by a key, and a certificate stands beside the signature: not followed"
        zh = f"{builder} 在此以密钥识别，而签名附有证书：不予追溯"
        return Grade(attestation, 1, _note("certificate-not-followed", where, unread, zh))
    wrong = f"was changed after it was signed, or is not signed by {builder}"
    zh = f"签名后被改动，或并非由 {builder} 签名"
    return Grade(attestation, 0, _note("signature-not-valid", where, wrong, zh))


def _of(signer: TrustedKey, attestation: Attestation, producer: VerifyingKey | None) -> Grade:
    """A signature by a listed builder."""
    builder, where = shown(signer.builder), attestation.where
    if producer == signer.key:
        same = f"{builder} signs with the key of the model's own signer, so nobody else speaks for the build"
        zh = f"{builder} 与模型签名者使用同一密钥，构建并无第三方证明"
        return Grade(attestation, 1, _note("builder-is-signer", where, same, zh), signer.key)
    claimed = f"signed by {builder}, key {signer.key.id}; level {signer.level} as claimed: {signer.claim}"
    zh = f"由 {builder} 以密钥 {signer.key.id} 签名；等级 {signer.level} 系其声明：{signer.claim}"
    return Grade(attestation, signer.level, _note("level-claimed", where, claimed, zh), signer.key)


def levels(
    files: Collection[Digest], grades: Sequence[Grade], training: frozenset[Digest]
) -> tuple[dict[Digest, int], set[Digest]]:
    """The level of each file, and the files that are held at 1 because their build does not name the training data.

    A build from another file of the model that has a level of its own, such as a conversion, needs no training data.
    """
    found = dict.fromkeys(files, 0)
    while True:
        after = {file: max((_level(file, grade, found, training) for grade in grades), default=0) for file in files}
        if after == found:
            break
        found = after
    unlinked = {
        file
        for file in files
        if found[file] == 1 and any(_speaks_of(file, grade) for grade in grades if grade.level >= HOSTED)
    }
    return found, unlinked


def _level(file: Digest, grade: Grade, found: Mapping[Digest, int], training: frozenset[Digest]) -> int:
    if not _speaks_of(file, grade):
        return 0
    materials = grade.attestation.statement.materials
    built = grade.attestation.statement.built
    from_another = any(found[other] >= HOSTED for other in materials & found.keys() - built)
    return grade.level if training <= materials or from_another else min(grade.level, 1)


def _speaks_of(file: Digest, grade: Grade) -> bool:
    return file in grade.attestation.statement.built


def _note(code: str, where: str, en: str, zh: str) -> Note:
    return Note(code=code, text=Text(f"{where}: {en}", f"{where}：{zh}"))
