"""The service itself. Every client has a token, a rate and a number of places; every request a size and a deadline.

    GET  /v2/health/live    answers without a token, and says nothing else
    GET, POST               description and questions of what is served, at its own paths

A connection carries one request. What is refused is refused before it is read where that is possible; an error says
what the client did wrong and nothing of the inside. Put a TLS proxy before it.
"""

from __future__ import annotations

import hashlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from touchstone.service.allowances import Allowance
from touchstone.service.served import NoQuestion, Served


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service grants."""

    largest_body: int = 2**20
    seconds: float = 10.0
    """From the first byte of a connection to the last byte of its request."""
    connections: int = 64
    rate: float = 50.0
    """Requests per second of one client."""
    burst: int = 50
    at_once: int = 4
    """Requests of one client at a time."""


class InferenceService(ThreadingHTTPServer):
    """Serves one thing until it is shut down."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        served: Served,
        tokens: Sequence[str],
        limits: Limits | None = None,
    ) -> None:
        super().__init__(address, _Handler)
        self.served, self.limits = served, limits or Limits()
        self._places = threading.BoundedSemaphore(self.limits.connections)
        self._clients = {_digest(token): self._allowance() for token in tokens}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.server_address[0]!s}:{self.server_port}"

    def client(self, token: str) -> Allowance | None:
        """What the client with that token may use. Looked up by digest, so that the time taken tells nothing."""
        return self._clients.get(_digest(token))

    def process_request(self, request: Any, client_address: Any) -> None:
        """A connection gets a thread as long as there are places, and is dropped otherwise."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the place back at the end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news, and no reason to show anything."""

    def _allowance(self) -> Allowance:
        return Allowance(self.limits.rate, self.limits.burst, self.limits.at_once)


class _Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Deadline(io.RawIOBase):
    """Reads from a socket until a moment that does not move, however many bytes arrive in time."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection, self._until = connection, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: InferenceService

    def setup(self) -> None:
        super().setup()
        until = time.monotonic() + self.server.limits.seconds
        self.rfile = io.BufferedReader(_Deadline(self.connection, until))

    def do_GET(self) -> None:
        """A description, or a sign of life."""
        if self.path == "/v2/health/live":
            self._send(HTTPStatus.OK, {})
        else:
            self._answer(self.server.served.described_at, self.server.served.description)

    def do_POST(self) -> None:
        """One question."""
        self._answer(self.server.served.asked_at, lambda: self.server.served.answer(self._body()))

    def _answer(self, path: str, act: Callable[[], dict[str, Any]]) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        client = self.server.client(token) if scheme == "Bearer" else None
        if client is None:
            self._send(HTTPStatus.UNAUTHORIZED, {"error": "a valid bearer token is needed"})
            return
        with client.one_request() as granted:
            try:
                self._admit(path, granted=granted)
                answer = act()
            except _Refused as refused:
                self._send(refused.status, {"error": str(refused)})
            except NoQuestion as refused:
                self._send(HTTPStatus.BAD_REQUEST, {"error": str(refused)})
            except TimeoutError:
                self._send(HTTPStatus.REQUEST_TIMEOUT, {"error": "the request took too long to arrive"})
            except Exception:  # whatever the model throws is nobody's business outside
                self._send(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "the model gave no answer"})
            else:
                self._send(HTTPStatus.OK, answer)

    def _admit(self, path: str, *, granted: bool) -> None:
        if not granted:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests, come again")
        if self.path != path:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such path")

    def _body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get_content_type() != "application/json":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is application/json")
        if "Transfer-Encoding" in self.headers or len(lengths) != 1:
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "say the length of the body in one Content-Length")
        if not (lengths[0].isascii() and lengths[0].isdigit()):
            raise _Refused(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        if len(lengths[0]) > 12 or int(lengths[0]) > self.server.limits.largest_body:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            raise _Refused(HTTPStatus.BAD_REQUEST, "the body ended too early")
        return body

    def _send(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        """One answer, then the end: a body may be left unread."""
        body = json.dumps(document).encode()
        self.close_connection = True
        self.connection.settimeout(self.server.limits.seconds)
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses, in the words of this service: no page, no versions, nothing repeated."""
        self.request_version = self.protocol_version  # a refused request line leaves a version that gets no headers
        status = HTTPStatus(code)
        self._send(status, {"error": status.phrase})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: requests are the business of the proxy's log."""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
