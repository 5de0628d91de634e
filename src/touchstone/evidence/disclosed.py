"""The statements that the owner of a log keeps beside it, found again by the entries they lead to.

A log holds digests only. With the statements beside it, whoever has a copy of both can see what was planned and what
came of it. A statement that leads to no entry says nothing and is passed over, so nothing can be slipped in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from touchstone.canonical import Digest, digest_of
from touchstone.errors import UserError
from touchstone.evidence.certificate import Certificate, Refusal
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope, open_envelope
from touchstone.evidence.files import read_regular, write_durably
from touchstone.evidence.layout import KEPT_STATEMENTS, StatementName, kept_file
from touchstone.evidence.leaf import leaf_of, named_by, signer_of
from touchstone.evidence.statement import AssessmentPredicate, PlanPredicate, Statement
from touchstone.records import Assessment, Plan
from touchstone.signatures.keys import VerifyingKey
from touchstone.tlog.durable import flush_folder

_NAME = re.compile(r"[0-9a-f]{64}\.dsse\.json")


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A statement whose signature is good and whose entry is on the log."""

    index: int
    digest: Digest
    """SHA-256 of the signed file."""
    signer: Digest
    statement: Statement


@dataclass(frozen=True, slots=True)
class Attempt:
    """A plan on a log and what its signer reported of it."""

    index: int
    plan: Plan
    signer: Digest
    assessments: tuple[Assessment, ...]
    decisions: tuple[Certificate | Refusal, ...]

    @property
    def reported(self) -> bool:
        """Whether anybody can see what came of the plan."""
        return bool(self.assessments)


def keep_statement(log: Path, envelope: bytes) -> None:
    """Keep a signed statement beside a log, durably."""
    path = log / kept_file(digest_of(envelope))
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        flush_folder(log)
        write_durably(path, envelope)


def read_disclosed(log: Path, entries: Sequence[bytes]) -> list[Disclosed]:
    """What is kept beside a log with these entries, in their order. Raises `EvidenceError` for a foreign entry."""
    positions = {entry: index for index, entry in enumerate(entries)}
    first_by = {named_by(entry, f"{log}: {index}")[1]: entry for entry, index in reversed(positions.items())}
    found = []
    for path in _kept(log / KEPT_STATEMENTS):
        try:
            data = read_regular(path, path.name, largest=LARGEST_ENVELOPE)
            envelope = Envelope.from_bytes(data, path.name)
            if path.name != kept_file(digest_of(data)).rpartition("/")[2] or envelope.keyid not in first_by:
                continue
            key = signer_of(first_by[envelope.keyid], path.name)
            index = place_of(data, path.name, key, positions)
        except UserError:
            continue
        if index is not None:
            found.append(Disclosed(index, digest_of(data), key.id, envelope.statement(path.name)))
    return sorted(found, key=lambda each: each.index)


def place_of(data: bytes, where: str, key: VerifyingKey, positions: dict[bytes, int]) -> int | None:
    """Index of the entry that a statement signed by `key` leads to. Raises `EvidenceError` when it is not signed so."""
    open_envelope(data, where, key)
    return positions.get(leaf_of(Envelope.from_bytes(data, where), key, where))


def attempts(disclosed: Iterable[Disclosed]) -> Iterator[Attempt]:
    """Every plan with the assessments by the same signer that rest on it, and the decisions that rest on these."""
    statements = list(disclosed)
    assessments = [(each, assessment) for each in statements if (assessment := _assessment(each)) is not None]
    decisions = [decision for each in statements if (decision := decision_in(each)) is not None]
    for each in statements:
        plan = _plan(each)
        if plan is not None:
            digest = plan.own_digest()
            resting = [
                (made.digest, assessment)
                for made, assessment in assessments
                if assessment.plan == digest and made.signer == each.signer
            ]
            files = {file for file, _ in resting}
            yield Attempt(
                index=each.index,
                plan=plan,
                signer=each.signer,
                assessments=tuple(assessment for _, assessment in resting),
                decisions=tuple(made for made in decisions if made.decision.basis.assessment in files),
            )


def decision_in(disclosed: Disclosed) -> Certificate | Refusal | None:
    """The certificate or refusal in a statement; `None` when it holds none."""
    statement, where = disclosed.statement, disclosed.digest
    try:
        if statement.predicate_type == StatementName.CERTIFICATE.predicate_type:
            return Certificate.from_json(statement.predicate, where)
        if statement.predicate_type == StatementName.REFUSAL.predicate_type:
            return Refusal.from_json(statement.predicate, where)
    except UserError:
        pass
    return None


def _plan(disclosed: Disclosed) -> Plan | None:
    statement = disclosed.statement
    if statement.predicate_type != StatementName.PLAN.predicate_type:
        return None
    try:
        plan = PlanPredicate.from_json(statement.predicate, disclosed.digest).plan
    except UserError:
        return None
    return plan if plan.system == statement.subject_digest else None


def _assessment(disclosed: Disclosed) -> Assessment | None:
    if disclosed.statement.predicate_type != StatementName.ASSESSMENT.predicate_type:
        return None
    try:
        return AssessmentPredicate.from_json(disclosed.statement.predicate, disclosed.digest).assessment
    except UserError:
        return None


def _kept(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return []
