"""Trusted logs and witnesses as a C2SP tlog-policy: the same decision, whoever wrote down whom to trust."""

from __future__ import annotations

from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.trust import PartyRole, Trusted
from touchstone.tlog.note import Algorithm, VerifierKey
from touchstone.tlog.policy import NONE, Group, Policy, Witness

_ENOUGH = "enough"


def log_policy_of(trusted: Trusted, quorum: int) -> Policy | None:
    """The policy that trusts these logs and asks for `quorum` of these witnesses; `None` when there are neither.

    Raises `EvidenceError` for a party whose key or name cannot stand in a note.
    """
    logs, witnesses = trusted.in_role(PartyRole.LOG), trusted.in_role(PartyRole.WITNESS)
    if not logs and not witnesses:
        return None
    with log_errors():
        keys = {
            party.name: Witness(VerifierKey.of(party.name, party.log_key(), Algorithm.COSIGNATURE), None)
            for party in witnesses
        }
        return Policy(
            logs=tuple(VerifierKey.of(party.name, party.log_key()) for party in logs),
            witnesses=keys,
            groups={_ENOUGH: Group(quorum, tuple(keys))} if quorum else {},
            quorum=_ENOUGH if quorum else NONE,
        )
