"""What a model is and who says so, in the format of OpenSSF Model Signing (OMS) v1.0.

The statement names every file with the SHA-256 of its bytes; its subject is the SHA-256 over those digests, one after
the other in the order of the paths, so one short digest stands for the model. It is signed as DSSE inside a Sigstore
bundle v0.3 with a bare key. `model_signing verify key` reads what is written here, and the other way round.

    data = sign_model(Path("model"), key, DEFAULT_EXCLUSIONS)
    verify_model(Path("model"), data, "model.sig", key.public).problems    # ()

Source: github.com/ossf/model-signing-spec; github.com/sigstore/model-transparency, release 1.1.1.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from touchstone.canonical import Digest, parse_json
from touchstone.errors import EvidenceError
from touchstone.signatures.dsse import PAYLOAD_TYPE, STATEMENT_TYPE, pre_authentication_encoding, strict_base64
from touchstone.signatures.exact import Hex32
from touchstone.signatures.foreign import ForeignEnvelope, ForeignRecord, signed_by
from touchstone.signatures.keys import SigningKey, VerifyingKey
from touchstone.system.fingerprints import MOST_FILES, SINGLE_FILE, Fingerprint, fingerprints
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.subject import Subject

PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
LARGEST_SIGNATURE = 64 * 1024 * 1024

DEFAULT_EXCLUSIONS: Final = (".git", ".gitattributes", ".github", ".gitignore")
"""What `model_signing` leaves out unless told otherwise. The statement lists what was left out, always."""


class Resource(ForeignRecord):
    """One file."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    algorithm: Literal["sha256"]
    digest: Hex32


class Serialization(ForeignRecord):
    """How the list of files was made."""

    method: Literal["files"]
    hash_type: Literal["sha256"]
    allow_symlinks: bool
    ignore_paths: tuple[str, ...] = ()


class ModelPredicate(ForeignRecord):
    """Every file of a model."""

    serialization: Serialization
    resources: Annotated[tuple[Resource, ...], Field(max_length=MOST_FILES)]


class _DigestSet(ForeignRecord):
    sha256: Hex32


class _Subject(ForeignRecord):
    name: str = ""
    digest: _DigestSet


class _ModelStatement(ForeignRecord):
    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[_Subject]
    predicate_type: Literal["https://model_signing/signature/v1.0"] = Field(alias="predicateType")
    predicate: ModelPredicate


class _Bundle(ForeignRecord):
    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"] = Field(alias="mediaType")
    envelope: ForeignEnvelope = Field(alias="dsseEnvelope")


@dataclass(frozen=True, slots=True)
class ModelVerification:
    """What became of comparing a model with its signature."""

    name: str
    """What the signer called the model. A label: nothing depends on it."""
    digest: Digest
    """The one digest that stands for the model, as signed."""
    files: int
    uncovered: tuple[str, ...]
    """Paths that are there and that the signer left out: whatever they hold was not verified."""
    problems: tuple[tuple[str, Text], ...]
    """Files that are not as signed and why, sorted by path."""


def model_digest(files: Sequence[Fingerprint]) -> Digest:
    """The digest that stands for a model: SHA-256 over its files' digests in the order of their paths."""
    return _root([file.sha256 for file in files])


def model_statement(name: str, files: Sequence[Fingerprint], exclusions: Collection[str] = ()) -> bytes:
    """The statement about a model, in canonical JSON.

    Where a file was reached by a link, `links` says where that led; readers of the standard ignore the field.
    """
    predicate: dict[str, Any] = {
        "serialization": {
            "method": "files",
            "hash_type": "sha256",
            "allow_symlinks": any(file.link is not None for file in files),
        },
        "resources": [{"algorithm": "sha256", "digest": file.sha256, "name": file.path} for file in files],
    }
    if exclusions:
        predicate["serialization"]["ignore_paths"] = sorted(exclusions)
    links = [{"name": file.path, "target": file.link} for file in files if file.link is not None]
    if links:
        predicate["links"] = links
    return _json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": model_digest(files).removeprefix("sha256:")}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )


def signed_files(signature: bytes, where: str, key: VerifyingKey) -> dict[str, str]:
    """Every file that a signature by `key` names, with its SHA-256. Raises `EvidenceError` like `verify_model`."""
    return _resources(_signed_statement(signature, where, key), where)


def left_out(signature: bytes, where: str, key: VerifyingKey) -> frozenset[str]:
    """Paths about which a signature by `key` says nothing. Raises `EvidenceError` like `verify_model`."""
    statement = _signed_statement(signature, where, key)
    return frozenset(map(_inside, statement.predicate.serialization.ignore_paths))


def model_under_test(subject: Subject) -> bytes | None:
    """The statement about the model files of a system under test; `None` when none were handed in.

    One file stands for itself, several for the folder they share, so its digest is that of a supplier who signed
    just these files. The digests are those taken when the system was opened: nothing is read again.
    """
    declared = subject.description.model
    paths = [path for path in (declared.file, *declared.more_files) if path is not None]
    records = {subject.record(path) for path in paths}
    if not records:
        return None
    shared = PurePosixPath(os.path.commonpath([PurePosixPath(record.path).parent for record in records]))
    named = {
        SINGLE_FILE if len(records) == 1 else PurePosixPath(record.path).relative_to(shared).as_posix(): record.digest
        for record in records
    }
    files = [Fingerprint(path, digest.removeprefix("sha256:")) for path, digest in named.items()]
    in_order = sorted(files, key=lambda file: file.path.split("/"))
    return model_statement(subject.description.system.name, in_order)


def sign_model(model: Path, key: SigningKey, exclusions: Collection[str]) -> bytes:
    """Hash a model, a folder or one file, and sign it: the bytes of a Sigstore bundle.

    Raises `ArtifactError` when the model cannot be read from end to end, `EvidenceError` when it has no files.
    """
    excluded = {_inside(path) for path in exclusions}
    files = fingerprints(model, excluded)
    if not files:
        raise EvidenceError(Text("holds no files to sign", "没有可签名的文件"), str(model))
    return _bundle(model_statement(model.resolve().name, files, excluded), key)


def verify_model(
    model: Path, signature: bytes, where: str, key: VerifyingKey, also_ignored: Collection[str] = ()
) -> ModelVerification:
    """Compare a model with a signature by `key`. Every byte of the model is read again.

    `also_ignored` are paths inside the model that are no part of it, such as the signature itself. Raises
    `EvidenceError` at `where` when the signature is not by `key` or says what cannot be understood, `ArtifactError`
    when the model cannot be read.
    """
    signed = _signed_statement(signature, where, key)
    resources = _resources(signed, where)
    exclusions = {_inside(path) for path in signed.predicate.serialization.ignore_paths}
    found = {file.path: file for file in fingerprints(model, {*exclusions, *map(_inside, also_ignored)})}
    problems = {name: Text("is missing", "缺失") for name in resources.keys() - found.keys()}
    problems |= {name: Text("was not signed", "未被签名") for name in found.keys() - resources.keys()}
    problems |= {
        name: Text("was changed", "已被改动")
        for name in found.keys() & resources.keys()
        if found[name].sha256 != resources[name]
    }
    return ModelVerification(
        name=signed.subject[0].name,
        digest=f"sha256:{signed.subject[0].digest.sha256}",
        files=len(resources),
        uncovered=tuple(sorted(path for path in exclusions if os.path.lexists(model / path))),
        problems=tuple(sorted(problems.items())),
    )


def _resources(signed: _ModelStatement, where: str) -> dict[str, str]:
    """The files a statement names, each once, which together must have the digest it states."""
    named = signed.predicate.resources
    resources = {resource.name: resource.digest for resource in named}
    if len(resources) != len(named):
        raise EvidenceError(Text("names the same file twice", "同一文件列出两次"), where)
    if _root([resource.digest for resource in named]) != f"sha256:{signed.subject[0].digest.sha256}":
        raise EvidenceError(Text("states a digest that is not that of its files", "所称摘要与文件列表不符"), where)
    return resources


def _bundle(payload: bytes, key: SigningKey) -> bytes:
    """The signed payload as a Sigstore bundle. The hint is what `model_signing` calls a key: SHA-256 of its PEM."""
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return _json(
        {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {
                "publicKey": {"hint": hashlib.sha256(key.public.pem).hexdigest()},
                "tlogEntries": [],
            },
            "dsseEnvelope": {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"keyid": key.public.id, "sig": base64.b64encode(signature).decode()}],
            },
        }
    )


def _json(value: dict[str, Any]) -> bytes:
    """Canonical JSON for what has only our own keys and no numbers: what RFC 8785 asks for, in a tenth of the time."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _signed_statement(data: bytes, where: str, key: VerifyingKey) -> _ModelStatement:
    """The statement in a Sigstore bundle, once its signature is known to be by `key`.

    Of the bundle only the envelope counts. Others write either form of an ECDSA signature; both are accepted.
    """
    envelope = _Bundle.from_json(parse_json(data, where, largest=LARGEST_SIGNATURE), where).envelope
    if len(envelope.signatures) != 1 or not signed_by(envelope, key, where):
        raise EvidenceError(
            Text("was changed after it was signed, or is signed by another key", "签名后被改动，或由另一把密钥签名"),
            where,
            Text("get the supplier's public key from the supplier", "请向供应方本身索取公钥"),
        )
    return _ModelStatement.from_bytes(strict_base64(envelope.payload, where), where)


def _root(digests: Sequence[str]) -> Digest:
    return "sha256:" + hashlib.sha256(bytes.fromhex("".join(digests))).hexdigest()


def _inside(path: str) -> str:
    """The one spelling of a path that is left out. Leaving out the whole model, or what is not in it, is refused."""
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts or str(plain) == SINGLE_FILE:
        raise EvidenceError(
            Text("is not a path inside the model, so it cannot be left out", "不是模型内部的路径，不能排除"), repr(path)
        )
    return str(plain)
