"""Second envelopes with SM2 (see :mod:`touchstone.evidence.sm2`), made by the program `openssl`: it reads the key."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import EvidenceError, UnavailableError
from touchstone.evidence.envelope import Envelope, Signature, open_envelope
from touchstone.evidence.files import write_durably
from touchstone.evidence.layout import sm2_of
from touchstone.evidence.sm2 import SIGNER_ID, Sm2VerifyingKey
from touchstone.signatures.dsse import pre_authentication_encoding
from touchstone.signatures.keys import VerifyingKey
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Sm2Key:
    """A private SM2 key in a file that only `openssl` reads."""

    path: Path
    passphrase: bytes | None = None

    @property
    def public(self) -> Sm2VerifyingKey:
        """The half that is handed out."""
        return Sm2VerifyingKey.of_pem(self._openssl("pkey", "-in", str(self.path), "-pubout"), str(self.path))

    def sign(self, message: bytes) -> bytes:
        """A signature over `message`, DER; another one each time."""
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "message"
            data.write_bytes(message)
            return self._openssl(
                *["pkeyutl", "-sign", "-inkey", str(self.path), "-in", str(data), "-rawin", "-digest", "sm3"],
                *["-pkeyopt", f"distid:{SIGNER_ID.decode()}"],
            )

    def _openssl(self, command: str, *arguments: str) -> bytes:
        given = ("-passin", "stdin") if self.passphrase else ()
        try:
            finished = subprocess.run(
                ["openssl", command, *arguments, *given],
                input=(self.passphrase or b"") + b"\n",
                capture_output=True,
                check=False,
                timeout=60,
            )
        except FileNotFoundError:
            raise UnavailableError(
                Text("signing with SM2 needs the program openssl, version 3", "SM2 签名需要 openssl 程序（3.x）"),
                str(self.path),
                Text("install OpenSSL, or leave SM2 out", "请安装 OpenSSL，或不使用 SM2"),
            ) from None
        if finished.returncode != 0:
            reason = " ".join(finished.stderr.decode("utf-8", "replace").split())[:200]
            raise EvidenceError(Text(f"openssl refuses: {reason}", f"openssl 拒绝：{reason}"), str(self.path))
        return finished.stdout


def write_sm2_envelopes(folder: Path, files: Sequence[str], signer: VerifyingKey, key: Sm2Key) -> list[str]:
    """Sign the payloads of statements that `signer` signed once more, with SM2. Returns the paths of the envelopes."""
    public, written = key.public, []
    for file in files:
        data = (folder / file).read_bytes()
        open_envelope(data, file, signer)
        first = Envelope.from_bytes(data, file)
        message = pre_authentication_encoding(first.payload_type, base64.b64decode(first.payload))
        signature = Signature(keyid=public.id, sig=base64.b64encode(key.sign(message)).decode())
        write_durably(folder / sm2_of(file), first.model_copy(update={"signatures": (signature,)}).to_bytes())
        written.append(sm2_of(file))
    return written
