"""A timestamping authority for the tests, and a laboratory whose statements it stamped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.evidence.made import Laboratory
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.layout import StatementName, timestamp_of
from touchstone.evidence.timestamp import Authority, accept, request, stamped_bytes
from touchstone.laboratory.issuing import write_sigstore_bundles
from touchstone.laboratory.timestamp_authority import TimestampAuthority

MADE = datetime(2026, 11, 1, tzinfo=UTC)
STAMPED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
POLICY = "1.3.6.1.4.1.99999.1"


@dataclass(frozen=True)
class Stamping:
    """An authority as its owner and as its verifiers know it."""

    own: TimestampAuthority

    @classmethod
    def in_folder(cls, folder: Path) -> Stamping:
        return cls(TimestampAuthority.create(folder, "Example authority", None, MADE))

    @property
    def pinned(self) -> Authority:
        return Authority(self.own.certificates)

    def stamp(self, signature: bytes, at: datetime = STAMPED, policy: str = POLICY) -> bytes:
        asked = request(signature)
        return accept(self.own.answer(asked.data, at, policy), asked, signature, self.pinned, "answer")

    def complete(self, laboratory: Laboratory, out: Path, policy: str = POLICY) -> list[str]:
        """Stamp every statement in an output folder and write its Sigstore bundles."""
        files = [name.file for name in StatementName if (out / name.file).exists()]
        for file in files:
            signature = stamped_bytes(Envelope.from_bytes((out / file).read_bytes(), file))
            (out / timestamp_of(file)).write_bytes(self.stamp(signature, policy=policy))
        return write_sigstore_bundles(out, files, laboratory.public, laboratory.log_public)
