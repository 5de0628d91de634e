"""Ed25519 signing keys in the files every tool reads: PKCS#8 and SubjectPublicKeyInfo, both PEM.

>>> from pathlib import Path
>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     public = generate(Path(folder) / "lab.key", passphrase=b"correct horse")
...     load_signing_key(Path(folder) / "lab.key", b"correct horse").public == public
True
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.files import flush_folder
from touchstone.files import make_folder, open_regular
from touchstone.text import Text

_LARGEST_KEY_FILE = 64 * 1024
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key. Two are equal when their 32 bytes are."""

    raw: bytes
    """The 32 bytes of the Ed25519 point (RFC 8032)."""

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
        """SHA-256 of the SubjectPublicKeyInfo: the key's name in every envelope."""
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
class SigningKey:
    """A private key. Never shown: its representation names only the public half."""

    _key: Ed25519PrivateKey

    @property
    def public(self) -> VerifyingKey:
        """The half that is handed out."""
        return VerifyingKey(
            self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        )

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature over `message`; the same every time."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id})"


def generate(path: Path, passphrase: bytes | None) -> VerifyingKey:
    """Write a new key pair to `path` and `path.pub` and return the public half.

    The private file can be read by its owner only and is encrypted when a passphrase is given. Raises
    `EvidenceError` rather than overwrite a file.
    """
    public_path = public_half(path)
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption(),
    )
    public = SigningKey(key).public
    require_new(path)
    _create(path, private, mode=0o600)
    _create(public_path, public.pem, mode=0o644)
    flush_folder(path.absolute().parent)
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


def is_encrypted(path: Path) -> bool:
    """Whether a private key file needs a passphrase. Raises a `UserError` when it cannot be read."""
    return _ENCRYPTED in _read(path)


def load_signing_key(path: Path, passphrase: bytes | None) -> SigningKey:
    """Read a private key file. Raises a `UserError` that says which of all the possible faults it has."""
    where = str(path)
    data = _read(path)
    encrypted = _ENCRYPTED in data
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
        key = serialization.load_pem_private_key(data, passphrase or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if encrypted:
            raise EvidenceError(
                Text("does not open with this passphrase", "无法用该口令打开"),
                where,
                Text("check the passphrase; the file may also be damaged", "请检查口令；文件也可能已损坏"),
            ) from None
        raise _not_a_private_key(where, data) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_ed25519(where)
    return SigningKey(key)


def load_public_key(source: Path | bytes) -> VerifyingKey:
    """Read a public key from a file or its bytes. Raises a `UserError` when it is none."""
    if isinstance(source, bytes):
        where, data = "public key", source
    else:
        where, data = str(source), _read(source)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise _not_a_public_key(where, data) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _not_ed25519(where)
    return VerifyingKey(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def read_passphrase(path: Path) -> bytes:
    """A passphrase kept in a file: its first line. Raises a `UserError` when that is empty."""
    line = _read(path).partition(b"\n")[0].removesuffix(b"\r")
    if not line:
        raise EvidenceError(
            Text("holds no passphrase on its first line", "首行没有口令"),
            str(path),
            Text("write the passphrase on the first line, and nothing else", "请在首行写入口令，不含其他内容"),
        )
    return line


def _read(path: Path) -> bytes:
    """The bytes of a key file. Links are followed: key stores hand their files out as links."""
    with open_regular(path) as file:
        return file.read(_LARGEST_KEY_FILE)


def _create(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that must not exist yet, making its folder if need be, and flush it to disk."""
    make_folder(path.parent)
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


def _not_ed25519(where: str) -> EvidenceError:
    return EvidenceError(
        Text("is a key of another kind than Ed25519", "不是 Ed25519 密钥"),
        where,
        Text("make one with `touchstone keys generate`", "可用 `touchstone keys generate` 生成"),
    )
