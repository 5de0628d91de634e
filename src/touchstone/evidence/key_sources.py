"""Where a private key comes from: a file, the environment, or a device that never gives it out.

lab.pem                                     a PEM file
env:LAB_KEY                                 an environment variable that holds the PEM text
pkcs11:token=lab;object=statements?module-path=/usr/lib/softhsm/libsofthsm2.so
                                            a key in a PKCS#11 device (URI of RFC 7512)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from touchstone.errors import EvidenceError
from touchstone.signatures.keys import (
    LogSigningKey,
    SigningKey,
    is_encrypted,
    load_log_signing_key,
    load_signing_key,
    read_key_file,
)
from touchstone.text import Text

ENVIRONMENT: Final = "env:"
DEVICE: Final = "pkcs11:"


def needs_passphrase(source: str) -> bool:
    """Whether the key is encrypted, or in a device that asks for a PIN. Raises a `UserError` for no key at all."""
    return source.startswith(DEVICE) or is_encrypted(_pem(source))


def open_signing_key(source: str, passphrase: bytes | None) -> SigningKey:
    """The key for statements at `source`; `passphrase` is the PIN of a device.

    Raises a `UserError` that says what is wrong with it.
    """
    if source.startswith(DEVICE):
        from touchstone.evidence.device_key import open_device_key

        return open_device_key(source, passphrase)
    return load_signing_key(_pem(source), passphrase, source)


def open_log_signing_key(source: str, passphrase: bytes | None) -> LogSigningKey:
    """The same for the key of a log or a witness, which signs unattended and so is never in a device here."""
    if source.startswith(DEVICE):
        raise EvidenceError(
            Text("is a device, and the keys of logs and witnesses are not used from devices", "日志密钥不支持密码设备"),
            source,
            Text("give a file or `env:NAME`", "请给出文件或 `env:变量名`"),
        )
    return load_log_signing_key(_pem(source), passphrase, source)


def _pem(source: str) -> bytes:
    if not source.startswith(ENVIRONMENT):
        return read_key_file(Path(source))
    name = source.removeprefix(ENVIRONMENT)
    text = os.environ.get(name)
    if not text:
        raise EvidenceError(
            Text("is not set, or empty", "未设置或为空"),
            source,
            Text(f"put the PEM text of the key into the variable {name}", f"请将密钥的 PEM 文本放入变量 {name}"),
        )
    return text.encode()
