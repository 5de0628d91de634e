"""A bounded attack on one service: what is sent, in which order, and what became of it.

Knows no system: the planted service of the check is attacked by the same code as the service under test.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.system_resilience.endpoint_client import Answer, Endpoint
from touchstone.checks.system_resilience.endpoint_interfaces import Interface
from touchstone.checks.system_resilience.endpoint_load import Flood, SlowClients
from touchstone.methods.abuse.leaks import leaks
from touchstone.methods.abuse.sponge import costliest
from touchstone.methods.abuse.wire import hostile_streams

Outcome = Literal["refused", "answered", "failed", "closed", "silent", "unreachable", "busy"]

REFUSALS = frozenset({501, 503, 505})
"""Of the server errors, those that say no: not implemented, busy, version not supported."""
ATTEMPTS = 4
"""Times a request is sent while the service says it is busy."""
IN_A_ROW = 5
"""Answered requests that count as recovered."""
LONGEST_RECOVERY = 60.0
SHORTEST = 1e-6
"""Seconds: no answer comes sooner."""
REPEATS = 3
"""Times each candidate of the search for costly inputs is timed; the fastest counts, because noise only adds."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is sent."""

    rate: float = 20.0
    """Requests per second of an ordinary client."""
    ordinary: int = 40
    sizes: tuple[int, ...] = (2**20, 2**22, 2**24)
    """Bytes of oversized bodies."""
    slow_clients: int = 16
    patience: float = 30.0
    """Seconds within which a service has to be tired of a client that sends a byte now and then."""
    candidates: int = 20
    confirmations: int = 30
    victim_requests: int = 400
    """Enough for a two-sided bound of a 99th percentile: 368 or more."""
    flood_threads: int = 8
    flood_over_rate: float = 10.0
    """How many times the rate of an ordinary client the flood sends."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One request that is no ordinary one, and what became of it."""

    group: Literal["malformed", "stream", "oversized"]
    interface: str
    kind: str
    outcome: Outcome
    status: int | None
    shown: tuple[str, ...]
    """Internals that the answer gave away."""
    handled: bool


@dataclass
class Found:
    """Everything the attack found out, as far as it came."""

    ordinary: list[Answer] = field(default_factory=list)
    open_paths: list[str] = field(default_factory=list)
    """Paths that answer a client without valid credentials."""
    paths: int = 0
    tried: list[Tried] = field(default_factory=list)
    slow_clients: int = 0
    slow_kept: int = 0
    asked_beside_slow: int = 0
    served_beside_slow: int = 0
    costly: NDArray[np.float64] | None = None
    cheap: NDArray[np.float64] | None = None
    costly_interface: str = ""
    alone: list[float] = field(default_factory=list)
    beside_flood: list[float] = field(default_factory=list)
    flood_sent: int = 0
    flood_refused: int = 0
    recovery: float | None = None


class Attack:
    """All phases against one endpoint."""

    def __init__(
        self, endpoint: Endpoint, interfaces: Sequence[Interface], effort: Effort, generator: np.random.Generator
    ) -> None:
        self.endpoint, self.interfaces, self.effort = endpoint, interfaces, effort
        self.generator = generator
        self.found = Found()
        self._next = time.monotonic()
        self._sponge: bytes | None = None

    def phases(self) -> Iterator[float]:
        """Run phase after phase; yields how far it is. What was found until an exception stands in `found`."""
        steps = (
            self.ask_ordinarily,
            self.ask_without_credentials,
            self.send_malformed,
            self.send_oversized,
            self.search_costly,
            self.measure_alone,
            self.flood,
            self.recover,
            self.be_slow,
        )
        for place, step in enumerate(steps):
            step()
            yield (place + 1) / len(steps)

    def ask_ordinarily(self) -> None:
        """Ordinary requests at an ordinary rate: all have to be served."""
        for place in range(self.effort.ordinary):
            interface = self.interfaces[place % len(self.interfaces)]
            self.found.ordinary.append(self._ask(interface, self._ordinary(interface)))

    def ask_without_credentials(self) -> None:
        """The same without a token, and with a wrong one."""
        for interface in self.interfaces:
            body = self._ordinary(interface)
            self.found.paths += 1
            for token in (None, "not-the-token"):
                self._pace()
                answer = self.endpoint.post(interface.question.path, body, token=token)
                if answer.served:
                    self.found.open_paths.append(interface.question.path)
                    break

    def send_malformed(self) -> None:
        """Every broken document and every broken stream, once per interface."""
        for interface in self.interfaces:
            path = interface.question.path
            for hostile in interface.question.hostile_bodies():
                answer = self._ask(interface, hostile.content, hostile.content_type)
                self._note("malformed", interface, hostile.kind, answer, lenient=hostile.lenient)
            headers = self.endpoint.headers(token=self.endpoint.token)
            legal = self._ordinary(interface)
            for stream in hostile_streams(self.endpoint.prefix + path, headers, legal):
                self._pace()
                answer = self.endpoint.exchange(stream.content, finish=True)
                self._note("stream", interface, stream.kind, answer, lenient=stream.lenient, may_hang_up=True)

    def send_oversized(self) -> None:
        """Legal questions that are far too long; whether the largest is refused shows whether there is a limit."""
        for interface in self.interfaces:
            size = len(json.dumps(interface.question.legal))
            for wanted in self.effort.sizes:
                body = json.dumps(interface.question.repeated(wanted // size + 1)).encode()
                answer = self._ask(interface, body)
                largest = wanted == max(self.effort.sizes)
                self._note("oversized", interface, f"{wanted}-bytes", answer, lenient=not largest, may_hang_up=True)

    def be_slow(self) -> None:
        """Connections of the misbehaving client that never finish a request, and an ordinary client beside them."""
        interface = self.interfaces[0]
        head = f"POST {self.endpoint.prefix}{interface.question.path} HTTP/1.1\r\n".encode()
        head += self.endpoint.headers(token=self.abuser)
        with SlowClients(self.endpoint, head, self.effort.slow_clients, self.effort.patience) as slow:
            while not slow.over:
                answer = self._ask(interface, self._ordinary(interface))
                if not self.two_clients:  # a client that is refused for its own connections is no victim
                    continue
                self.found.asked_beside_slow += 1
                self.found.served_beside_slow += answer.served
        self.found.slow_clients, self.found.slow_kept = slow.opened, slow.kept

    def search_costly(self) -> None:
        """The costliest legal question of all interfaces; then both kinds anew, by turns, so that drift hits both."""
        best: tuple[float, Interface, bytes] | None = None
        for interface in self.interfaces:
            evaluations = max(self.effort.candidates, len(interface.starts))
            sample = costliest(
                interface.starts, partial(self._cost, interface), interface.vary, self.generator, evaluations
            )
            usual = self._fastest(interface, interface.ordinary(interface.samples[0]))
            amplification = self._cost(interface, sample) / max(usual, SHORTEST)
            if best is None or amplification > best[0]:
                best = amplification, interface, interface.greedy(sample)
        assert best is not None  # noqa: S101 - there is at least one interface
        _, interface, self._sponge = best
        pairs = []
        for _ in range(self.effort.confirmations):
            pair = (self._ask(interface, self._sponge), self._ask(interface, self._ordinary(interface)))
            if not any(answer.busy for answer in pair):
                pairs.append([answer.seconds for answer in pair])
        if pairs:
            self.found.costly, self.found.cheap = np.array(pairs, dtype=np.float64).T
            self.found.costly_interface = interface.name

    def _cost(self, interface: Interface, sample: Any) -> float:
        return self._fastest(interface, interface.greedy(sample))

    def _fastest(self, interface: Interface, body: bytes) -> float:
        """Seconds of the fastest of several equal requests; 0 while the service is too busy to tell."""
        answers = [self._ask(interface, body) for _ in range(REPEATS)]
        return min((answer.seconds for answer in answers if not answer.busy), default=0.0)

    def measure_alone(self) -> None:
        """How long an ordinary client waits when it is alone."""
        self.found.alone = [self._wait() for _ in range(self.effort.victim_requests)]

    def flood(self) -> None:
        """How long it waits while another client floods the service. Without a second identity only limits are seen."""
        interface = self.interfaces[0]
        bodies = [self._ordinary(interface), interface.question.repeated(64), b"{", self._sponge or b"{}"]
        contents = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        rate = self.effort.rate * self.effort.flood_over_rate
        with Flood(
            self.endpoint, interface.question.path, contents, self.abuser, rate, self.effort.flood_threads
        ) as flood:
            if self.two_clients:
                self.found.beside_flood = [self._wait() for _ in range(self.effort.victim_requests)]
            else:
                time.sleep(self.effort.victim_requests / self.effort.rate / 10)
        self.found.flood_sent, self.found.flood_refused = flood.sent, flood.refused

    @property
    def abuser(self) -> str | None:
        """Credentials of the client that misbehaves: the second one's, where there is a second one."""
        return self.endpoint.token if self.endpoint.other_token is None else self.endpoint.other_token

    @property
    def two_clients(self) -> bool:
        """Whether the service can tell the client that suffers from the one that floods, or does not tell any apart."""
        return self.endpoint.token is None or self.endpoint.other_token is not None

    def recover(self) -> None:
        """How long after the flood it takes until ordinary requests are served again, several in a row."""
        started, row, first = time.monotonic(), 0, 0.0
        while row < IN_A_ROW and time.monotonic() - started < LONGEST_RECOVERY:
            self._pace()
            interface = self.interfaces[0]
            begun = time.monotonic() - started
            answer = self.endpoint.post(interface.question.path, self._ordinary(interface), token=self.endpoint.token)
            first = first if row else begun + answer.seconds
            row = row + 1 if answer.served else 0
        self.found.recovery = first if row == IN_A_ROW else LONGEST_RECOVERY

    def _wait(self) -> float:
        """Seconds of one ordinary request; one that is not served counts as the longest wait."""
        self._pace()
        interface = self.interfaces[0]
        answer = self.endpoint.post(interface.question.path, self._ordinary(interface), token=self.endpoint.token)
        return answer.seconds if answer.served else max(self.endpoint.timeout, answer.seconds)

    def _ordinary(self, interface: Interface) -> bytes:
        return interface.ordinary(interface.samples[int(self.generator.integers(len(interface.samples)))])

    def _ask(self, interface: Interface, body: bytes, content_type: str = "application/json") -> Answer:
        """One request with credentials at an ordinary rate, again after a pause while the service is busy."""
        for attempt in range(ATTEMPTS):
            self._pace()
            answer = self.endpoint.post(interface.question.path, body, content_type, self.endpoint.token)
            if not answer.busy:
                break
            time.sleep(2**attempt / self.effort.rate)
        return answer

    def _pace(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(self._next, now) + 1.0 / self.effort.rate

    def _note(
        self,
        group: Literal["malformed", "stream", "oversized"],
        interface: Interface,
        kind: str,
        answer: Answer,
        *,
        lenient: bool,
        may_hang_up: bool = False,
    ) -> None:
        outcome = outcome_of(answer)
        shown = tuple(sorted(leaks(answer.headers, answer.body))) if outcome in ("refused", "failed") else ()
        handled = outcome == "refused" or (lenient and outcome == "answered") or (may_hang_up and outcome == "closed")
        self.found.tried.append(Tried(group, interface.name, kind, outcome, answer.status, shown, handled))


def outcome_of(answer: Answer) -> Outcome:
    """What an answer, or the lack of one, means."""
    if answer.status is None:
        return answer.ending if answer.ending != "answered" else "closed"
    if answer.busy:
        return "busy"
    if answer.status >= 500:
        return "refused" if answer.status in REFUSALS else "failed"
    return "refused" if answer.status >= 400 else "answered"


def planted_effort(effort: Effort) -> Effort:
    """Little effort, enough against a service that holds nothing back and answers at once."""
    return replace(
        effort,
        rate=1000.0,
        ordinary=10,
        sizes=(2**18,),
        slow_clients=4,
        patience=0.6,
        candidates=0,
        confirmations=10,
        victim_requests=40,
        flood_threads=4,
        flood_over_rate=0.1,
    )
