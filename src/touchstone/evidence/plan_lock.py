"""What a bundle holds to show that its plan was signed, and on a log, before the first check began."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator

from touchstone.checks.run_record import Lock
from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope, open_envelope
from touchstone.evidence.leaf import leaf_of
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.statement import PlanPredicate
from touchstone.records import Plan, Record
from touchstone.signatures.keys import VerifyingKey, load_log_public_key, load_public_key
from touchstone.text import Text
from touchstone.tlog.note import VerifierKey
from touchstone.tlog.proof import TlogProof

LOCK: Final = "lock.json"
"""Name of the entry in the bundle."""


def _encodable(text: str) -> str:
    text.encode()  # raises the `ValueError` that makes it no record
    return text


_Written = Annotated[str, AfterValidator(_encodable)]
"""Text that was bytes: half a surrogate pair never was."""


class PlanLock(Record):
    """The signed plan with its receipt, the keys to check them with, and the time."""

    signed_plan: _Written
    """The plan's file, byte for byte."""
    tester: _Written
    """Public key that signed it, PEM."""
    decider: _Written
    """Public key of whoever will sign the decision, PEM."""
    receipt: _Written | None = None
    """The log's receipt (C2SP tlog-proof); `None` when there is no log."""
    log_key: _Written | None = None
    """Public key of the log, PEM."""
    by: str | None = None
    """When the plan was on the log, by the laboratory's clock (RFC 3339)."""

    def examined(self, plan: Plan) -> Lock:
        """What that shows of `plan`. Raises `UserError` for keys that are none, `EvidenceError` for no time."""
        tester = load_public_key(self.tester.encode(), LOCK)
        return Lock(
            signed=self._signs(plan, tester),
            tester=tester.id,
            decider=load_public_key(self.decider.encode(), LOCK).id,
            logged=None if self.receipt is None else self._is_logged(self.receipt, tester),
            by=None if self.by is None else _moment(self.by),
        )

    def _signs(self, plan: Plan, tester: VerifyingKey) -> bool:
        try:
            statement = open_envelope(self.signed_plan.encode(), LOCK, tester)
            return PlanPredicate.from_json(statement.predicate, LOCK).plan == plan
        except EvidenceError:
            return False

    def _is_logged(self, receipt: str, tester: VerifyingKey) -> bool:
        """Whether the receipt leads from the signed plan to a head that the log's key signed."""
        if self.log_key is None:
            return False
        log_key = load_log_public_key(self.log_key.encode(), LOCK)
        try:
            with log_errors():
                proof = TlogProof.parse(receipt.encode(), LOCK)
                leaf = leaf_of(Envelope.from_bytes(self.signed_plan.encode(), LOCK), tester, LOCK)
                by_the_log = proof.note.signed_by(VerifierKey.of(proof.checkpoint.origin, log_key))
        except EvidenceError:
            return False
        return proof.extra is None and proof.holds(leaf) and by_the_log


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise EvidenceError(Text(f"states a time that does not exist: {text[:40]}", f"时间不存在：{text[:40]}"), LOCK)
    return moment
