"""A file that only its owner may read, encrypted where a passphrase is given.

    {"schema": "touchstone.secret/v1", "scrypt": {"n": 32768, "r": 8, "p": 1, "salt": "…"}, "nonce": "…", "sealed": "…"}

AES-256 in Galois/Counter Mode (NIST SP 800-38D), with a key that scrypt (RFC 7914) derives from the passphrase.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from touchstone.errors import EvidenceError
from touchstone.evidence.files import read_regular
from touchstone.signatures.keys import create_file
from touchstone.text import Text

SCHEMA: Final = "touchstone.secret/v1"
LARGEST: Final = 512 * 1024 * 1024
_COST: Final = {"n": 2**15, "r": 8, "p": 1}


def write_secret(path: Path, data: bytes, passphrase: bytes | None) -> None:
    """Create the file, readable by its owner only. Raises `EvidenceError` rather than overwrite one."""
    create_file(path, data if passphrase is None else _sealed(data, passphrase), mode=0o600)


def read_secret(path: Path, passphrase: bytes | None) -> bytes:
    """What was written. Raises `EvidenceError` when others may read the file, or the passphrase does not open it."""
    data = read_regular(path, str(path), largest=LARGEST)
    if path.stat().st_mode & 0o077:
        raise EvidenceError(
            Text("can be read by others than its owner", "除所有者外其他用户也可读取"),
            str(path),
            Text("chmod 600, and make it anew if somebody may have seen it", "执行 chmod 600；若可能已泄露请重新生成"),
        )
    if not is_sealed(data):
        return data
    if passphrase is None:
        raise EvidenceError(
            Text("is encrypted and no passphrase was given", "已加密，但未提供口令"),
            str(path),
            Text("name a file that holds it with --passphrase-file", "请用 --passphrase-file 指定存有口令的文件"),
        )
    try:
        document = json.loads(data)
        salt, nonce, sealed = (
            base64.b64decode(each, validate=True)
            for each in (document["scrypt"]["salt"], document["nonce"], document["sealed"])
        )
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, SCHEMA.encode())
    except (InvalidTag, ValueError, KeyError, TypeError):
        raise EvidenceError(
            Text("does not open with this passphrase", "无法用该口令打开"),
            str(path),
            Text("check the passphrase; the file may also be damaged", "请检查口令；文件也可能已损坏"),
        ) from None


def is_sealed(data: bytes) -> bool:
    """Whether a passphrase is needed."""
    return data.startswith(f'{{"schema": "{SCHEMA}"'.encode())


def _sealed(data: bytes, passphrase: bytes) -> bytes:
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, data, SCHEMA.encode())
    written = {name: base64.b64encode(each).decode() for name, each in (("nonce", nonce), ("sealed", sealed))}
    scrypt = {**_COST, "salt": base64.b64encode(salt).decode()}
    return json.dumps({"schema": SCHEMA, "scrypt": scrypt, **written}).encode()


def _key(passphrase: bytes, salt: bytes) -> bytes:
    """The costs are ours, whatever a file says: one that asks for more would stall the reader."""
    return Scrypt(salt=salt, length=32, **_COST).derive(passphrase)
