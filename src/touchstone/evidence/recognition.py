"""Recognition: one party says, in public and until a date, that another one's certificates count as its own.

The bytes of a certificate stay the same everywhere; what differs is who relies on it and why. A recognition carries
the key of the recognised issuer under the recogniser's signature, so that a relying party needs to know only the
recogniser beforehand (compare the ILAC mutual recognition arrangement).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from touchstone.evidence.certificate import Instant, instant, moment_text
from touchstone.evidence.layout import LaterStatement
from touchstone.evidence.statement import Statement, statement
from touchstone.evidence.trust import Party, PartyRole
from touchstone.signatures.exact import ExactRecord
from touchstone.signatures.keys import VerifyingKey, load_public_key


class Recognition(ExactRecord):
    """Certificates of `issuer` are recognised within a scope and a time."""

    recogniser: Annotated[str, Field(min_length=1, max_length=255)]
    issuer: Annotated[str, Field(min_length=1, max_length=255)]
    key: Annotated[str, Field(max_length=16_384)]
    """The issuer's public key, PEM."""
    profiles: Annotated[tuple[str, ...], Field(min_length=1)]
    """A recognition without a scope is none: profiles are named one by one."""
    levels: Annotated[tuple[str, ...], Field(min_length=1)]
    issued: Instant
    until: Instant

    def holds(self, at: datetime) -> bool:
        """Whether the recognition is in force."""
        return instant(self.issued) <= at < instant(self.until)

    def party(self) -> Party:
        """The issuer as a relying party of the recogniser sees it."""
        return Party(
            name=self.issuer,
            roles=(PartyRole.CERTIFIER,),
            key=self.key,
            profiles=self.profiles,
            levels=self.levels,
            not_after=self.until,
        )

    def is_about(self, signed: Statement) -> bool:
        """Whether the statement that holds this recognition is the one that follows from it."""
        return recognition_statement(self) == signed


def recognise(
    issuer: str,
    key: VerifyingKey,
    *,
    recogniser: str,
    profiles: tuple[str, ...],
    levels: tuple[str, ...],
    issued: datetime,
    until: datetime,
) -> Statement:
    """The statement in which `recogniser` recognises the certificates that `key` signs, ready to be signed itself."""
    return recognition_statement(
        Recognition(
            recogniser=recogniser,
            issuer=issuer,
            key=key.pem.decode(),
            profiles=tuple(sorted(set(profiles))),
            levels=tuple(sorted(set(levels))),
            issued=moment_text(issued),
            until=moment_text(until),
        )
    )


def recognition_statement(recognition: Recognition) -> Statement:
    """The statement of a recognition: its subject is the recognised key. Raises `EvidenceError` when that is none."""
    key = load_public_key(recognition.key.encode())
    return statement(recognition.issuer, key.id, LaterStatement.RECOGNITION.predicate_type, recognition.to_json())
