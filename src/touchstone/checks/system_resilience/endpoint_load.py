"""Clients that do harm by number or by slowness, in threads of their own, until they are told to stop."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from touchstone.checks.system_resilience.endpoint_client import Endpoint
from touchstone.errors import BudgetSpentError

BETWEEN_BYTES = 0.25
"""Seconds between two bytes of a slow client: less than any time-out for a single read."""


class Flood:
    """Many requests at a steady rate, from several threads, while the context lasts."""

    def __init__(
        self,
        endpoint: Endpoint,
        path: str,
        bodies: Sequence[bytes],
        token: str | None,
        rate: float,
        threads: int,
    ) -> None:
        self.sent = self.refused = 0
        """Requests that came to an end, and those of them the service turned away as too many."""
        self._endpoint, self._path, self._token = endpoint, path, token
        self._bodies = itertools.cycle(bodies)
        self._pause = threads / rate
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        with suppress(BudgetSpentError):
            while not self._stop.is_set():
                begun = time.monotonic()
                with self._lock:
                    body = next(self._bodies)
                answer = self._endpoint.post(self._path, body, token=self._token)
                with self._lock:
                    self.sent += 1
                    self.refused += answer.busy
                self._stop.wait(max(self._pause - (time.monotonic() - begun), 0.0))


class SlowClients:
    """Connections that send the head of a request byte by byte, half of them the body, for as long as they are borne.

    `over` once the service ended all of them or the patience of `seconds` ran out; `kept` are those still open then.
    """

    def __init__(self, endpoint: Endpoint, head: bytes, clients: int, seconds: float) -> None:
        self.opened = self.kept = 0
        self._head, self._seconds = head, seconds
        self._open: list[socket.socket] = []
        for place in range(clients):
            endpoint.allowance.take()
            with suppress(OSError):
                connection = endpoint.connect(min(endpoint.timeout, seconds))
                self._open.append(connection)
                with suppress(OSError):
                    connection.sendall(head if place % 2 else head + b"Content-Length: 100000\r\n\r\n")
        self.opened = len(self._open)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    @property
    def over(self) -> bool:
        """Whether nothing is left to wait for."""
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.kept = len(self._open)
        for connection in self._open:
            connection.close()

    def _drip(self) -> None:
        until = time.monotonic() + self._seconds
        while self._open and time.monotonic() < until and not self._stop.wait(BETWEEN_BYTES):
            for connection in list(self._open):
                if _ended(connection):
                    self._open.remove(connection)
                    connection.close()


def _ended(connection: socket.socket) -> bool:
    """Send one more byte; whether the service answered or hung up."""
    try:
        connection.settimeout(0.0)
        connection.send(b"a")
        return connection.recv(1024) is not None
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    except OSError:
        return True
