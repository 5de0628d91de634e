"""One gate: takes what waits, has it scanned, decides, puts the decision on the log, and only then moves the item.

    1. inbox → examining        whoever handed it in cannot reach it by name any more
    2. scan, decide
    3. decisions/TICKET.dsse.json, then the log
    4. examining → admitted, quarantined or refused

After a crash between any two steps the next run goes on: without a decision it scans again, with one it moves on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from touchstone.admission.decision import Decision, admission_statement, decide, set_aside
from touchstone.admission.policy import GatePolicy
from touchstone.admission.stillness import newest, stamps, written_by_others
from touchstone.admission.store import Store, Taken
from touchstone.evidence.envelope import open_envelope, sign
from touchstone.evidence.files import write_durably
from touchstone.laboratory.issuing import OwnLog, log_statements
from touchstone.scan.findings import ScanResult
from touchstone.signatures.keys import SigningKey
from touchstone.text import Text

SETTLED_SECONDS: Final = 5.0
"""An item in the inbox is left alone while it is younger than this, or while somebody has it open for writing."""
_ATTEMPTS: Final = 3
"""Scans of an item that changes while it is scanned."""

Scan = Callable[[Path], ScanResult]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was carried out."""

    ticket: str
    decision: Decision
    place: Path


class Gate:
    """Decides about items one after the other.

    `scan` examines one item, executing nothing of it, and `scanner` names the program that does, with its version.
    """

    def __init__(
        self, store: Store, policy: GatePolicy, scan: Scan, scanner: str, key: SigningKey, log: OwnLog
    ) -> None:
        self.store = store
        self.policy = policy
        self._scan = scan
        self._scanner = scanner
        self._key = key
        self._log = log

    def resume(self) -> Iterator[Decided]:
        """Finish what an earlier run had taken."""
        for taken in self.store.under_examination():
            yield self.finish(taken)

    def decide_waiting(self, settled_seconds: float = SETTLED_SECONDS) -> Iterator[Decided]:
        """Decide about everything in the inbox that nobody writes to any more."""
        for item in self.store.waiting():
            taken = self._take_if_still(item, settled_seconds)
            if taken is not None:
                yield self.finish(taken)

    def finish(self, taken: Taken) -> Decided:
        """Scan, decide, log and move one item; what an earlier run did of that is not done again."""
        name = self.store.decision_file(taken.ticket)
        path = self.store.decisions / name
        if path.exists():
            statement = open_envelope(path.read_bytes(), name, self._key.public)
            decision = Decision.from_json(statement.predicate, name)
        else:
            decision = self._decide(taken)
            write_durably(path, sign(admission_statement(decision), self._key).to_bytes())
        log_statements(self.store.decisions, [name], [self._key.public], self._log)
        return Decided(taken.ticket, decision, self.store.settle(taken, decision.outcome))

    def _take_if_still(self, item: Path, settled_seconds: float) -> Taken | None:
        try:
            age = time.time() - newest(stamps(item)) / 1e9
            if age < settled_seconds or written_by_others(item):
                return None
            return self.store.take(item)
        except OSError:  # it is being moved or removed by whoever handed it in
            return None

    def _decide(self, taken: Taken) -> Decision:
        decision = self._decision(taken)
        for _ in range(_ATTEMPTS - 1):
            if decision is not None:
                break
            decision = self._decision(taken)
        if decision is None:
            decision = set_aside(
                self._decide_on(taken, ScanResult((), "")),
                "gate/changing",
                Text("is still written to while it is scanned", "扫描期间仍在被写入"),
            )
        if decision.outcome == "admit" and self.store.holds("admit", taken.name):
            return set_aside(
                decision,
                "gate/name-taken",
                Text("has the name of an item that was admitted before", "与先前已准入的条目同名"),
            )
        return decision

    def _decision(self, taken: Taken) -> Decision | None:
        """The decision, or `None` when the item was not the same after the scan as before."""
        before = stamps(taken.path)
        result = self._scan(taken.path)
        if stamps(taken.path) != before or written_by_others(taken.path):
            return None
        return self._decide_on(taken, result)

    def _decide_on(self, taken: Taken, result: ScanResult) -> Decision:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return decide(taken.name, result, self.policy, scanner=self._scanner, decided=now)
