"""The part of verification that looks at second envelopes with SM2: the same payload, signed with a national key."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import sm2_of
from touchstone.evidence.sm2 import Sm2VerifyingKey
from touchstone.evidence.verification import Signed, Steps
from touchstone.signatures.dsse import pre_authentication_encoding, strict_base64
from touchstone.text import Text


def signed_with_sm2(root: Path, statements: Collection[Signed], key: Sm2VerifyingKey | None, steps: Steps) -> None:
    """Whether every statement has a second envelope by `key`; without a key, only that nobody looked."""
    for signed in statements:
        path = sm2_of(signed.file)
        if key is None:
            if os.path.lexists(root / path):
                steps.not_checked("sm2", Text("no SM2 key is given", "未提供 SM2 公钥"), path)
            continue
        steps.covered.add(path)
        with steps.noting("sm2", path):
            envelope = Envelope.from_bytes(read_regular(root / path, path, largest=LARGEST_ENVELOPE), path)
            payload = strict_base64(envelope.payload, path)
            signature = strict_base64(envelope.signatures[0].sig, path)
            if payload != signed.statement.to_bytes():
                raise EvidenceError(Text(f"says something else than {signed.file}", f"与 {signed.file} 内容不同"), path)
            message = pre_authentication_encoding(envelope.payload_type, payload)
            if envelope.keyid != key.id or not key.verifies(signature, message):
                raise EvidenceError(
                    Text("is not signed by the given SM2 key, or was changed", "不是由所给 SM2 密钥签名，或已被改动"),
                    path,
                )
            steps.ok("sm2", Text("is signed by the given SM2 key as well", "亦由所给 SM2 密钥签名"), path)
