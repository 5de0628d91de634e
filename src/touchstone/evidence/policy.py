"""A relying party's policy: whom it trusts for what, and what it asks of a certificate before it relies on it.

The same evidence is judged by everyone for themselves. A policy is a YAML file that its owner keeps; nothing in it
comes from the evidence, and it names keys by their ids, so a file of keys that was tampered with trusts nobody new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field

from touchstone.canonical import Digest
from touchstone.errors import EvidenceError
from touchstone.evidence.replication import AGREEMENTS, Agreement, Replication
from touchstone.evidence.trust import Party, PartyRole, Trusted
from touchstone.records import Record
from touchstone.signatures.exact import Sha256
from touchstone.text import Text


class TrustedKey(Record):
    """One organisation, by the id of its key, and what it is trusted for."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    key: Sha256
    roles: Annotated[tuple[PartyRole, ...], Field(min_length=1)]
    profiles: tuple[str, ...] = ()
    """Profiles it is trusted for; none: all."""


class Demands(Record):
    """What must hold before a certificate is relied upon."""

    profiles: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Profiles that are accepted, each with its accepted editions (none: all of them); no profiles: all."""
    levels: tuple[str, ...] = ()
    """Assurance levels that are accepted; none: all."""
    witnesses: int = Field(default=0, ge=0)
    """How many independent witnesses must have cosigned the log's checkpoint."""
    status_max_age_days: int | None = Field(default=None, ge=0)
    """How old the issuer's status snapshot may be; `None`: none is asked for."""
    replications: int = Field(default=0, ge=0)
    """How many other trusted laboratories must have repeated the tests."""
    agreement: Agreement = "overlapping-intervals"
    """How well their results must agree."""
    synthetic: bool = False
    """Whether a certificate about made-up systems is accepted."""


class Policy(Record):
    """A policy file."""

    schema_: Literal["touchstone.policy/v1"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1, max_length=255)]
    trust: Annotated[tuple[TrustedKey, ...], Field(min_length=1)]
    require: Demands = Demands()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a policy. Raises `UserError` with the line of the first thing that is wrong."""
        from touchstone.documents import read_yaml

        document = read_yaml(path)
        return cls.from_json(document.value, document.where)

    def narrow(self, known: Trusted) -> Trusted:
        """Of the parties known from keys and trust root, those that this policy trusts, as far as it trusts them.

        Raises `EvidenceError` when the policy trusts a key that nobody handed over.
        """
        held: dict[Digest, Party] = {party.key_id: party for party in known.parties if party.key_id is not None}
        parties = []
        for each in self.trust:
            if each.key not in held:
                raise EvidenceError(
                    Text(
                        f"trusts the key {each.key} of {each.name}, which was not given",
                        f"信任 {each.name} 的密钥 {each.key}，但未提供该密钥",
                    ),
                    f"policy {self.name}",
                    Text("give it with --key or with a trust root", "请用 --key 或信任根提供"),
                )
            parties.append(
                held[each.key].model_copy(
                    update={"name": _name(each, held[each.key]), "roles": each.roles, "profiles": each.profiles}
                )
            )
        timestamping = tuple(party for party in known.parties if party.key_id is None)
        return Trusted((*parties, *timestamping))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verification found that a policy may ask about."""

    kind: str
    profile: str
    edition: str
    level: str
    synthetic: bool
    witnesses: int
    status_age: timedelta | None
    """Age of the issuer's latest snapshot in which the certificate is good; `None` when there is none."""
    replications: Mapping[str, Replication]
    """By laboratory: trusted ones other than the assessor, each with its best replication."""


def unmet(demands: Demands, facts: Facts) -> Iterator[Text]:
    """Every demand that is not met, and how far the facts are from it."""
    if facts.kind != "certificate":
        yield Text(f"asks for a certificate; this is a {facts.kind}", f"要求提供证书，而此为 {facts.kind}")
    yield from _scope(demands, facts)
    if facts.synthetic and not demands.synthetic:
        yield Text("does not accept a system that is made up", "不接受虚构的系统")
    if facts.witnesses < demands.witnesses:
        yield Text(
            f"asks for {demands.witnesses} independent witnesses; there are {facts.witnesses}",
            f"要求 {demands.witnesses} 个独立见证，实有 {facts.witnesses} 个",
        )
    if demands.status_max_age_days is not None:
        yield from _freshness(demands.status_max_age_days, facts.status_age)
    agreeing = [each for each in facts.replications.values() if each.at_least(demands.agreement)]
    if len(agreeing) < demands.replications:
        wanted = AGREEMENTS[demands.agreement]
        yield Text(
            f"asks for {demands.replications} replications by other trusted laboratories ({wanted.en} or better); "
            f"there are {len(agreeing)}",
            f"要求其他受信任实验室复现 {demands.replications} 次（{wanted.zh}或更好），实有 {len(agreeing)} 次",
        )


def _scope(demands: Demands, facts: Facts) -> Iterator[Text]:
    if demands.profiles and facts.profile not in demands.profiles:
        yield Text(f"does not accept the profile {facts.profile}", f"不接受档案 {facts.profile}")
    elif not _accepted(facts.edition, demands.profiles.get(facts.profile, ())):
        yield Text(
            f"does not accept edition {facts.edition} of {facts.profile}",
            f"不接受 {facts.profile} 的 {facts.edition} 版",
        )
    if not _accepted(facts.level, demands.levels):
        yield Text(f"does not accept the assurance level {facts.level}", f"不接受保证级别 {facts.level}")


def _freshness(days: int, age: timedelta | None) -> Iterator[Text]:
    if age is None:
        yield Text("asks for the issuer's status snapshot; there is none", "要求提供发证方的状态快照，但没有")
    elif age > timedelta(days=days):
        yield Text(
            f"asks for a status not older than {days} days; this one is {age.days} days old",
            f"要求状态不早于 {days} 天，现有状态已有 {age.days} 天",
        )


def _accepted(value: str, accepted: Collection[str]) -> bool:
    return not accepted or value in accepted


def _name(each: TrustedKey, party: Party) -> str:
    """A log and a witness are called what the notes call them; others by what the policy calls them."""
    return party.name if {PartyRole.LOG, PartyRole.WITNESS} & set(each.roles) else each.name
