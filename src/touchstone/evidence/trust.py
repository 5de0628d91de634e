"""Whose signature counts for what: the parties that a verifier trusts, each in its roles, within its scope and time.

Trust never comes from the evidence. It comes from keys that were handed over, from a trust root that several people
signed offline (:mod:`touchstone.evidence.root`), or from a relying party's policy; and, through a recognition that a
trusted party signed, to issuers that the verifier did not know before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field

from touchstone.canonical import Digest
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import Instant, instant
from touchstone.evidence.layout import LaterStatement, StatementName
from touchstone.records import Record
from touchstone.signatures.keys import LogVerifyingKey, VerifyingKey, load_log_public_key, load_public_key
from touchstone.text import Text


class PartyRole(StrEnum):
    """What a party's signature may be relied upon for."""

    ASSESSOR = "assessor"
    CERTIFIER = "certifier"
    RECOGNISER = "recogniser"
    LOG = "log"
    WITNESS = "witness"
    TIMESTAMPING = "timestamping"


STATEMENT_ROLES: Final = (PartyRole.ASSESSOR, PartyRole.CERTIFIER, PartyRole.RECOGNISER)
"""Roles whose keys sign statements (P-256); the others sign checkpoints or time (Ed25519, or a certificate)."""

SIGNED_BY: Final = {
    StatementName.PLAN.predicate_type: PartyRole.ASSESSOR,
    StatementName.ASSESSMENT.predicate_type: PartyRole.ASSESSOR,
    StatementName.CERTIFICATE.predicate_type: PartyRole.CERTIFIER,
    StatementName.REFUSAL.predicate_type: PartyRole.CERTIFIER,
    LaterStatement.STATUS.predicate_type: PartyRole.CERTIFIER,
    LaterStatement.STATUS_LIST.predicate_type: PartyRole.CERTIFIER,
    LaterStatement.RECOGNITION.predicate_type: PartyRole.RECOGNISER,
    LaterStatement.REPLICATION.predicate_type: PartyRole.ASSESSOR,
}
"""Who may sign what: a laboratory's key must not sign certificates unless it is trusted for both."""

ROLE_NAMES: Final = {
    PartyRole.ASSESSOR: Text("assessor", "测评方"),
    PartyRole.CERTIFIER: Text("certifier", "发证方"),
    PartyRole.RECOGNISER: Text("recogniser", "承认方"),
    PartyRole.LOG: Text("log", "日志"),
    PartyRole.WITNESS: Text("witness", "见证方"),
    PartyRole.TIMESTAMPING: Text("timestamping authority", "时间戳机构"),
}


class Party(Record):
    """One key of one organisation, and what it may be relied upon for."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    """For a log its origin, for a witness the name of its key."""
    roles: Annotated[tuple[PartyRole, ...], Field(min_length=1)]
    key: Annotated[str, Field(max_length=16_384)]
    """PEM: a public key, or for a timestamping authority the certificate that its tokens lead to."""
    profiles: tuple[str, ...] = ()
    """Profiles it may speak about; none: all."""
    levels: tuple[str, ...] = ()
    """Assurance levels it may speak about; none: all."""
    not_before: Instant | None = None
    not_after: Instant | None = None
    compromised: Instant | None = None
    """From this moment on somebody else may have been signing with the key."""

    def covers(self, profile: str, level: str) -> bool:
        """Whether a profile at a level is in the party's scope."""
        return (not self.profiles or profile in self.profiles) and (not self.levels or level in self.levels)

    def fault_at(self, at: datetime, *, independent: bool) -> Text | None:
        """Why a signature cannot be relied upon that existed at `at`; `None` when it can.

        Whoever stole a key can backdate what is signed with it. A compromised key is therefore believed only for
        what a third party saw before (`independent`: a witness or a timestamping authority, not the signer).
        """
        if self.compromised is not None:
            if not independent:
                return Text(
                    f"the key of {self.name} was compromised on {self.compromised}, "
                    "and no independent party saw this signature before",
                    f"{self.name} 的密钥已于 {self.compromised} 失密，且没有独立方在此前见证该签名",
                )
            if at >= instant(self.compromised):
                return Text(
                    f"was signed after the key of {self.name} was compromised on {self.compromised}",
                    f"签名时间晚于 {self.name} 密钥的失密时间 {self.compromised}",
                )
        if self.not_before is not None and at < instant(self.not_before):
            return Text(
                f"the key of {self.name} is not valid before {self.not_before}",
                f"{self.name} 的密钥在 {self.not_before} 之前无效",
            )
        if self.not_after is not None and at >= instant(self.not_after):
            return Text(
                f"the key of {self.name} is not valid after {self.not_after}",
                f"{self.name} 的密钥在 {self.not_after} 之后无效",
            )
        return None

    @property
    def key_id(self) -> Digest | None:
        """Name of the key; `None` for a certificate."""
        if PartyRole.TIMESTAMPING in self.roles:
            return None
        if self.roles[0] in STATEMENT_ROLES:
            return self.statement_key().id
        return self.log_key().id

    def statement_key(self) -> VerifyingKey:
        """The key, of a party that signs statements. Raises `EvidenceError` when it is of another kind."""
        return load_public_key(self.key.encode())

    def log_key(self) -> LogVerifyingKey:
        """The key, of a log or witness. Raises `EvidenceError` when it is of another kind."""
        return load_log_public_key(self.key.encode())


@dataclass(frozen=True)
class Trusted:
    """Everyone a verifier trusts."""

    parties: tuple[Party, ...]

    @classmethod
    def of_keys(cls, *keys: VerifyingKey) -> Self:
        """Trust in keys that were handed over, for every statement, without an end."""
        return cls(tuple(Party(name=key.id, roles=STATEMENT_ROLES, key=key.pem.decode()) for key in keys))

    def __add__(self, other: Trusted) -> Trusted:
        return Trusted((*self.parties, *other.parties))

    def in_role(self, role: PartyRole) -> tuple[Party, ...]:
        """All parties of a role."""
        return tuple(party for party in self.parties if role in party.roles)

    def statement_keys(self) -> tuple[Digest, ...]:
        """Names of the keys that are trusted to sign statements, each once."""
        keys = {party.key_id: None for party in self.parties if any(role in STATEMENT_ROLES for role in party.roles)}
        return tuple(key for key in keys if key is not None)

    def signers(self, key_id: Digest) -> tuple[Party, ...]:
        """The parties that sign statements with this key: one organisation may appear once for each role."""
        return tuple(
            party
            for party in self.parties
            if any(role in STATEMENT_ROLES for role in party.roles) and party.key_id == key_id
        )

    def of_signer(self, key_id: Digest, predicate_type: str, where: str) -> Party:
        """The party that may have signed such a statement with this key. Raises `EvidenceError` when none may."""
        signers = self.signers(key_id)
        role = SIGNED_BY.get(predicate_type)
        for party in signers:
            if role in party.roles:
                return party
        if role is None:
            raise EvidenceError(Text("is a statement of an unknown kind", "是未知类型的声明"), where)
        name = ROLE_NAMES[role]
        raise EvidenceError(
            Text(
                f"is signed by {signers[0].name if signers else key_id}, which is not trusted as {name.en}",
                f"由 {signers[0].name if signers else key_id} 签名，但未被信任为{name.zh}",
            ),
            where,
        )


NOBODY: Final = Trusted(())
