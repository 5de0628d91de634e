"""Opening signed statements: which trusted party signed, and may it sign such a statement?"""

from __future__ import annotations

from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope, open_envelope
from touchstone.evidence.files import read_regular
from touchstone.evidence.trust import ROLE_NAMES, Trusted
from touchstone.evidence.verification import Signed, Steps
from touchstone.text import Text


class SignedReader:
    """Reads statements under one folder and notes for each whether its signature counts."""

    def __init__(self, root: Path, trusted: Trusted, steps: Steps) -> None:
        self.root = root
        self.trusted = trusted
        self._steps = steps

    def open(self, file: str, path: Path | None = None) -> Signed | None:
        """The statement in a file, once its signature is known to be good and to count; otherwise a failed step.

        `file` is what messages call it; it lies there under the folder unless `path` says where.
        """
        if path is None:
            self._steps.covered.add(file)
        with self._steps.noting("signature", file):
            signed = self.opened(read_regular(path or self.root / file, file, largest=LARGEST_ENVELOPE), file)
            role = ROLE_NAMES[signed.party.roles[0]] if len(signed.party.roles) == 1 else None
            by = Text("the given key", "所给密钥") if signed.party.name.startswith("sha256:") else None
            name = by or Text(
                signed.party.name + ("" if role is None else f" ({role.en})"),
                signed.party.name + ("" if role is None else f"（{role.zh}）"),
            )
            self._steps.ok("signature", Text(f"is signed by {name.en}", f"由{name.zh}签名"), file)
            return signed
        return None

    def opened(self, data: bytes, file: str) -> Signed:
        """The same for bytes; raises `EvidenceError` instead of noting a step."""
        envelope = Envelope.from_bytes(data, file)
        signers = self.trusted.signers(envelope.keyid)
        if not signers:
            known = self.trusted.statement_keys()
            if len(known) == 1:  # then that key's own message says most
                open_envelope(data, file, self.trusted.signers(known[0])[0].statement_key())
            raise EvidenceError(
                Text(
                    f"is signed by a key that nobody you trust holds ({envelope.keyid})",
                    f"由不受信任的密钥（{envelope.keyid}）签名",
                ),
                file,
            )
        statement = open_envelope(data, file, signers[0].statement_key())
        return Signed(file, data, statement, self.trusted.of_signer(envelope.keyid, statement.predicate_type, file))
