"""Connections to a service under attack: one address, looked up once, everything bounded in count, bytes and time.

Raw sockets, because what is sent is not always HTTP. No redirects, no proxies. A token goes only over TLS or loopback,
and comes from the environment, never from a file of the system: the files are evidence.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from touchstone.errors import BudgetSpentError, UnavailableError
from touchstone.system.models.http_connection import OTHER_TOKEN_VARIABLE, TOKEN_VARIABLE, may_carry_a_token
from touchstone.text import Text

LARGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read; the rest is not waited for."""
BLOCK = 65_536

Ending = Literal["answered", "closed", "unreachable", "silent"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is `None` unless an answer came."""

    ending: Ending
    seconds: float
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case."""
    body: bytes = b""

    @property
    def served(self) -> bool:
        """Whether the question was answered."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def busy(self) -> bool:
        """Whether the service told the client to come again."""
        return self.status in (429, 503)


class Allowance:
    """How many requests may still be sent and until when; shared by all threads."""

    def __init__(self, requests: int, seconds: float) -> None:
        self._lock = threading.Lock()
        self.sent = 0
        self._requests = requests
        self._until = time.monotonic() + seconds

    def take(self) -> None:
        """Count one request. Raises `BudgetSpentError` when there is none left, or no time."""
        with self._lock:
            if self.sent >= self._requests or time.monotonic() > self._until:
                raise BudgetSpentError(
                    Text("the requests or the time agreed upon are used up", "约定的请求数或时间已用尽"),
                    "deployment.endpoint_tests",
                    Text("agree upon more, or choose a smaller budget", "请约定更大的上限，或选择较小的预算"),
                )
            self.sent += 1


class Endpoint:
    """One service at one address."""

    def __init__(self, url: str, allowance: Allowance, timeout: float) -> None:
        """Look the address up. Raises `UnavailableError` when its name is unknown."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self.host = parts.hostname or ""
        self._named = parts.netloc
        self.prefix = parts.path.rstrip("/")
        self.timeout = timeout
        self.allowance = allowance
        try:
            found = socket.getaddrinfo(self.host, parts.port or (443 if secure else 80), type=socket.SOCK_STREAM)
        except OSError:
            raise UnavailableError(
                Text("the host of the service is unknown", "无法解析服务主机名"),
                url,
                Text("correct model.endpoint", "请更正 model.endpoint"),
            ) from None
        self._tls = ssl.create_default_context() if secure else None
        for family, _, _, _, address in found:  # the first that answers, and from then on no other
            self._family, self._address = family, address
            with suppress(OSError), self.connect(timeout):
                break
        carries = may_carry_a_token(url)
        self.token = os.environ.get(TOKEN_VARIABLE) if carries else None
        """Credentials of the client whose service level is measured."""
        self.other_token = os.environ.get(OTHER_TOKEN_VARIABLE) if carries else None
        """Credentials of the client that abuses the service."""

    def headers(
        self, content_type: str = "application/json", token: str | None = None, accept: str = "application/json"
    ) -> bytes:
        """The header lines every request has, without those on its length."""
        lines = [
            f"Host: {self._named}",
            f"Content-Type: {content_type}",
            f"Accept: {accept}",
            "Connection: close",
        ]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1")

    def post(self, path: str, body: bytes, content_type: str = "application/json", token: str | None = None) -> Answer:
        """One well-framed request with whatever body."""
        length = f"Content-Length: {len(body)}\r\n\r\n".encode()
        start = f"POST {self.prefix}{path} HTTP/1.1\r\n".encode()
        return self.exchange(start + self.headers(content_type, token) + length + body)

    def exchange(self, content: bytes, *, finish: bool = False) -> Answer:
        """Send bytes, read one answer. `finish` closes our side after the last byte."""
        self.allowance.take()
        started = time.perf_counter()
        deadline = started + self.timeout
        try:
            connection = self.connect(self.timeout)
        except OSError:
            return Answer("unreachable", time.perf_counter() - started)
        with connection:
            with suppress(OSError):  # a service that refuses early does not read to the end, and still answers
                connection.sendall(content)
                if finish and not isinstance(connection, ssl.SSLSocket):
                    connection.shutdown(socket.SHUT_WR)
            return _read(connection, started, deadline)

    def connect(self, timeout: float) -> socket.socket:
        """A new connection. Raises `OSError`."""
        plain = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            plain.settimeout(timeout)
            plain.connect(self._address)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise


def _read(connection: socket.socket, started: float, deadline: float) -> Answer:
    """The answer on a connection, or how it ended without one."""
    answer = http.client.HTTPResponse(connection, method="POST")
    try:
        connection.settimeout(max(deadline - time.perf_counter(), 0.001))
        answer.begin()
        body = _body(answer, deadline)
    except TimeoutError:
        return Answer("silent", time.perf_counter() - started)
    except (OSError, http.client.HTTPException, ValueError):
        return Answer("closed", time.perf_counter() - started)
    finally:
        answer.close()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Answer("answered", time.perf_counter() - started, answer.status, headers, body)


def _body(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    body = bytearray()
    while len(body) < LARGEST_ANSWER and (block := answer.read1(BLOCK)):
        body += block
        if time.perf_counter() > deadline:
            raise TimeoutError
    return bytes(body[:LARGEST_ANSWER])
