"""Signing keys in the files every tool reads: PKCS#8 and SubjectPublicKeyInfo, both PEM.

Two kinds, never exchanged. Statements are signed with ECDSA on P-256 (FIPS 186-5), which every verifier of DSSE
knows; checkpoints of a log and cosignatures of a witness with Ed25519 (RFC 8032), which C2SP asks for.

>>> from pathlib import Path
>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     public = generate(Path(folder) / "lab.key", passphrase=b"correct horse")
...     load_signing_key(Path(folder) / "lab.key", b"correct horse").public == public
True
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Literal, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError
from touchstone.files import make_folder, open_regular
from touchstone.text import Text
from touchstone.tlog.durable import flush_folder

Purpose = Literal["statements", "log", "witness"]
"""What a key is made for."""

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the group of P-256 (FIPS 186-5, SP 800-186)."""

_LARGEST_KEY_FILE = 64 * 1024
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """Public half of a key for statements: ECDSA on P-256 with SHA-256."""

    algorithm: ClassVar[str] = "ECDSA P-256"

    spki: bytes
    """SubjectPublicKeyInfo, DER, with the point uncompressed (RFC 5480)."""

    @classmethod
    def of(cls, key: ec.EllipticCurvePublicKey) -> VerifyingKey:
        """The key in the one form that names it."""
        return cls(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))

    @property
    def pem(self) -> bytes:
        """SubjectPublicKeyInfo, PEM: the content of the `.pub` file."""
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def id(self) -> Digest:
        """SHA-256 of the SubjectPublicKeyInfo: the key's name in every envelope."""
        return digest_of(self.spki)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is the one form of a signature over `message` by this key's private half.

        Of the many encodings of an ECDSA signature only one is accepted, DER with the lower of the two values of
        s, so that nobody can turn a signature into another valid one.
        """
        try:
            if lower_s(signature) != signature:
                return False
            self._key.verify(signature, message, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def _key(self) -> ec.EllipticCurvePublicKey:
        return cast(ec.EllipticCurvePublicKey, serialization.load_der_public_key(self.spki))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key for statements. Never shown: its representation names only the public half."""

    public: VerifyingKey
    """The half that is handed out."""
    _sign: Callable[[bytes], bytes] = field(repr=False, compare=False)
    """Makes a DER signature over a message: from a key in memory, or in a device that keeps it."""

    @classmethod
    def of(cls, key: ec.EllipticCurvePrivateKey) -> SigningKey:
        """A key in memory; its signatures are the same every time (RFC 6979)."""
        algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
        return cls(VerifyingKey.of(key.public_key()), lambda message: key.sign(message, algorithm))

    def sign(self, message: bytes) -> bytes:
        """The ECDSA signature over `message`, DER, in the one form that :meth:`VerifyingKey.verifies` accepts."""
        return lower_s(self._sign(message))

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id})"


@dataclass(frozen=True, slots=True)
class LogVerifyingKey:
    """Public half of a key for a log or a witness: Ed25519. Two are equal when their 32 bytes are."""

    algorithm: ClassVar[str] = "Ed25519"

    raw: bytes
    """The 32 bytes of the point (RFC 8032)."""

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER (RFC 8410)."""
        return self._key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> bytes:
        """SubjectPublicKeyInfo, PEM: the content of the `.pub` file."""
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def id(self) -> Digest:
        """SHA-256 of the SubjectPublicKeyInfo."""
        return digest_of(self.spki)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` was made over `message` with this key's private half."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


@dataclass(frozen=True, slots=True)
class LogSigningKey:
    """A key for a log or a witness. Never shown: its representation names only the public half."""

    _key: Ed25519PrivateKey

    @property
    def public(self) -> LogVerifyingKey:
        """The half that is handed out."""
        return _log_public(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature over `message`; the same every time."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"LogSigningKey({self.public.id})"


def lower_s(signature: bytes) -> bytes:
    """The same ECDSA signature on P-256 in strict DER and with the lower s. Raises `ValueError` when it is none."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, P256_ORDER - s))


def generate(path: Path, passphrase: bytes | None) -> VerifyingKey:
    """Write a new key pair for statements to `path` and `path.pub` and return the public half.

    The private file can be read by its owner only and is encrypted when a passphrase is given. Raises
    `EvidenceError` rather than overwrite a file.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    public = VerifyingKey.of(key.public_key())
    _write_pair(path, key, public.pem, passphrase)
    return public


def generate_log_key(path: Path, passphrase: bytes | None) -> LogVerifyingKey:
    """The same as :func:`generate`, for a log or a witness."""
    key = Ed25519PrivateKey.generate()
    public = _log_public(key.public_key())
    _write_pair(path, key, public.pem, passphrase)
    return public


def require_new(path: Path) -> None:
    """Raise `EvidenceError` when either file of a key pair at `path` exists: keys are never overwritten."""
    for existing in (path, public_half(path)):
        if os.path.lexists(existing):
            raise EvidenceError(
                Text("exists already and is not overwritten", "已存在，不会覆盖"),
                str(existing),
                Text("choose another name, or move the old key away first", "请换一个名称，或先移走旧密钥"),
            )


def public_half(path: Path) -> Path:
    """Where the public half of the key at `path` lies."""
    return path.with_name(path.name + ".pub")


def read_key_file(path: Path) -> bytes:
    """The bytes of a key file. Links are followed: key stores hand their files out as links."""
    with open_regular(path) as file:
        return file.read(_LARGEST_KEY_FILE)


def is_encrypted(pem: bytes) -> bool:
    """Whether a private key needs a passphrase."""
    return _ENCRYPTED in pem


def load_signing_key(source: Path | bytes, passphrase: bytes | None, where: str = "private key") -> SigningKey:
    """Read a private key for statements from a file or its bytes.

    Raises a `UserError` that says which of all the possible faults it has.
    """
    key, where = _private(source, passphrase, where)
    if not _is_p256(key):
        raise _not_for_statements(where)
    return SigningKey.of(cast(ec.EllipticCurvePrivateKey, key))


def load_log_signing_key(source: Path | bytes, passphrase: bytes | None, where: str = "private key") -> LogSigningKey:
    """The same as :func:`load_signing_key`, for the key of a log or a witness."""
    key, where = _private(source, passphrase, where)
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_for_logs(where)
    return LogSigningKey(key)


def load_public_key(source: Path | bytes, where: str = "public key") -> VerifyingKey:
    """Read the public key of whoever signs statements, from a file or its bytes. Raises a `UserError` for others."""
    key, where = _public(source, where)
    if not _is_p256(key):
        raise _not_for_statements(where)
    return VerifyingKey.of(cast(ec.EllipticCurvePublicKey, key))


def load_log_public_key(source: Path | bytes, where: str = "public key") -> LogVerifyingKey:
    """The same as :func:`load_public_key`, for the key of a log or a witness."""
    key, where = _public(source, where)
    if not isinstance(key, Ed25519PublicKey):
        raise _not_for_logs(where)
    return _log_public(key)


def load_any_public_key(path: Path) -> VerifyingKey | LogVerifyingKey:
    """A public key of either kind, to show what it is."""
    key, where = _public(path, "")
    return _log_public(key) if isinstance(key, Ed25519PublicKey) else load_public_key(read_key_file(path), where)


def read_passphrase(path: Path) -> bytes:
    """A passphrase kept in a file: its first line. Raises a `UserError` when that is empty."""
    line = read_key_file(path).partition(b"\n")[0].removesuffix(b"\r")
    if not line:
        raise EvidenceError(Text("holds no passphrase on its first line", "首行没有口令"), str(path))
    return line


def _log_public(key: Ed25519PublicKey) -> LogVerifyingKey:
    return LogVerifyingKey(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def _is_p256(key: PrivateKeyTypes | PublicKeyTypes) -> bool:
    kinds = (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)
    return isinstance(key, kinds) and isinstance(key.curve, ec.SECP256R1)


def _private(source: Path | bytes, passphrase: bytes | None, where: str) -> tuple[PrivateKeyTypes, str]:
    data, where = (source, where) if isinstance(source, bytes) else (read_key_file(source), str(source))
    encrypted = is_encrypted(data)
    if encrypted and not passphrase:
        raise EvidenceError(
            Text("is encrypted and no passphrase was given", "已加密，但未提供口令"),
            where,
            Text("give the passphrase", "请提供口令"),
        )
    if passphrase and not encrypted and b"PRIVATE KEY-----" in data:
        raise EvidenceError(
            Text("is not encrypted, yet a passphrase was given", "未加密，却提供了口令"),
            where,
            Text("leave the passphrase out, or check that this is the right key", "请去掉口令，或确认密钥文件无误"),
        )
    try:
        return serialization.load_pem_private_key(data, passphrase or None), where
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if encrypted:
            raise EvidenceError(
                Text("does not open with this passphrase", "无法用该口令打开"),
                where,
                Text("check the passphrase; the file may also be damaged", "请检查口令；文件也可能已损坏"),
            ) from None
        raise _not_a_private_key(where, data) from None


def _public(source: Path | bytes, where: str) -> tuple[PublicKeyTypes, str]:
    data, where = (source, where) if isinstance(source, bytes) else (read_key_file(source), str(source))
    try:
        return serialization.load_pem_public_key(data), where
    except (ValueError, UnsupportedAlgorithm):
        raise _not_a_public_key(where, data) from None


def _write_pair(
    path: Path, key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey, public_pem: bytes, passphrase: bytes | None
) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption(),
    )
    require_new(path)
    make_folder(path.parent)
    create_file(path, private, mode=0o600)
    create_file(public_half(path), public_pem, mode=0o644)
    flush_folder(path.absolute().parent)


def create_file(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that must not exist yet and flush it to disk. Raises `EvidenceError` rather than overwrite one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise EvidenceError(
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            str(path),
            Text("choose another name", "请另选名称"),
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _not_a_private_key(where: str, data: bytes) -> EvidenceError:
    if b"PUBLIC KEY-----" in data:
        hint = Text("this is a public key; the private half has no .pub ending", "这是公钥；私钥文件没有 .pub 后缀")
    elif b"PRIVATE KEY-----" in data:
        hint = Text("the file is damaged: restore it from a backup", "文件已损坏：请从备份恢复")
    else:
        hint = Text("make one with `touchstone keys generate`", "可用 `touchstone keys generate` 生成")
    return EvidenceError(Text("is not a private key in PEM", "不是 PEM 格式的私钥"), where, hint)


def _not_a_public_key(where: str, data: bytes) -> EvidenceError:
    if b"PRIVATE KEY-----" in data:
        hint = Text("this is a private key; its public half ends in .pub", "这是私钥；其公钥文件以 .pub 结尾")
    else:
        hint = Text("name the .pub file that the key's owner handed out", "请指定密钥持有方公布的 .pub 文件")
    return EvidenceError(Text("is not a public key in PEM", "不是 PEM 格式的公钥"), where, hint)


def _not_for_statements(where: str) -> EvidenceError:
    return EvidenceError(
        Text("is not an ECDSA P-256 key, which statements need", "不是 ECDSA P-256 密钥，不能用于签署声明"),
        where,
        Text(
            "make one with `touchstone keys generate`; an Ed25519 key is for a log or a witness",
            "可用 `touchstone keys generate` 生成；Ed25519 密钥仅用于日志或见证方",
        ),
    )


def _not_for_logs(where: str) -> EvidenceError:
    return EvidenceError(
        Text("is not an Ed25519 key, which logs and witnesses need", "不是 Ed25519 密钥，不能用于日志或见证方"),
        where,
        Text(
            "make one with `touchstone keys generate --for log`; a P-256 key is for statements",
            "可用 `touchstone keys generate --for log` 生成；P-256 密钥仅用于签署声明",
        ),
    )
