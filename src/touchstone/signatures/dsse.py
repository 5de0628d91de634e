"""What a DSSE signature over an in-toto statement covers, and base64 with exactly one spelling.

Source: DSSE v1.0 (github.com/secure-systems-lab/dsse).
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from touchstone.errors import EvidenceError
from touchstone.text import Text

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
"""The in-toto Statement that such a payload is."""


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed (DSSE: PAE): lengths first, so that type and payload cannot trade bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def strict_base64(text: str, where: str) -> bytes:
    """Decode standard base64, accepting only the one text that encoding the result gives back."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise EvidenceError(Text("holds text that is not base64", "含有非 base64 文本"), where) from None
    if base64.b64encode(data).decode() != text:
        raise EvidenceError(Text("holds base64 in another than its canonical form", "base64 文本不是规范形式"), where)
    return data
