"""The line to a service: one host, several kept-alive connections, every exchange bounded in time and size.

No redirects, no proxies. The only credentials are a bearer token from the environment, sent over TLS or loopback and
recorded nowhere. A busy service (429, 503), one that is slow and one that drops the line is asked again after a pause
that doubles each time, or after the one it asks for (`Retry-After`, RFC 9110, 10.2.3), within a bound, and only so
often over the life of the handle.
"""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import SimpleQueue
from urllib.parse import urlsplit

from touchstone.canonical import Digest, digest_of
from touchstone.errors import ArtifactError, DescriptionError, UserError
from touchstone.system.models.http_ledger import RequestLedger
from touchstone.text import Text

TOKEN_VARIABLE = "TOUCHSTONE_ENDPOINT_TOKEN"  # noqa: S105 - the name of a variable, not what is in it
"""Environment variable with the bearer token of the service under test."""
OTHER_TOKEN_VARIABLE = "TOUCHSTONE_ENDPOINT_OTHER_TOKEN"  # noqa: S105 - as above
"""The token of a second client of the same service, who misbehaves where that is tested."""

_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the client is, how much it asks, and how much it lets itself be told."""

    timeout: float = 30.0
    """Seconds from sending a request to the last byte of its answer."""
    attempts: int = 5
    """Times one request is sent before a busy, slow or broken connection is an error."""
    retries: int = 200
    """Times requests are sent again, all together."""
    back_off: float = 0.5
    """Seconds before the second attempt; doubled for each further one."""
    longest_wait: float = 30.0
    """Seconds that are waited before one attempt at most, whatever the service asks for."""
    largest_answer: int = 64 * 1024**2
    """Bytes of one answer."""
    concurrency: int = 4
    """Requests under way at the same time."""
    queries: int | None = None
    """Samples sent to the service, all together; `None`: no limit."""
    remembered: int = 200_000
    """Samples whose answers are kept while answers are remembered."""


LEAST_SECRET = 16
"""Characters of a token that is worth hiding."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as digests of their bodies."""

    method: str
    path: str
    status: int
    request: Digest
    answer: Digest


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent. `content` makes the body when it is needed, so that bodies do not pile up in memory."""

    method: str
    path: str
    samples: int = 0
    content: Callable[[], bytes] = bytes


class Line:
    """All connections to one host."""

    def __init__(self, endpoint: str, limits: Limits) -> None:
        parts = urlsplit(endpoint)
        try:
            port = parts.port
        except ValueError:
            raise endpoint_problem(Text("the port is not a number", "端口不是数字")) from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise endpoint_problem(Text(f"{endpoint[:200]!r} is not a web address", f"{endpoint[:200]!r} 不是网址"))
        if parts.username is not None or parts.query or parts.fragment:
            raise endpoint_problem(
                Text(
                    "credentials, query or fragment in the address are not supported",
                    "地址中不支持凭据、查询参数或片段",
                )
            )
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.where = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.exchanges: list[Exchange] = []
        """Every exchange so far, in the order of the questions, repeated attempts included."""
        self.ledger = RequestLedger(self.where, limits.queries, limits.retries)
        self._prefix = parts.path.rstrip("/")
        self._token = os.environ.get(TOKEN_VARIABLE) if may_carry_a_token(endpoint) else None
        self._limits = limits
        self._idle: SimpleQueue[http.client.HTTPConnection] = SimpleQueue()
        for _ in range(max(limits.concurrency, 1)):
            self._idle.put(kind(parts.hostname, port, timeout=limits.timeout))

    def ask(self, requests: Sequence[Request]) -> list[tuple[int, bytes]]:
        """Status and body for each request, several of them under way at a time.

        Raises `ArtifactError` for the first of them that stays unanswered, redirects, or answers more than the limit,
        and `BudgetSpentError`, before anything is sent, when the query budget does not suffice for all.
        """
        self.ledger.take(sum(request.samples for request in requests))
        noted: list[list[Exchange]] = [[] for _ in requests]
        try:
            if len(requests) < 2 or self._limits.concurrency < 2:
                return [self._exchange(*pair) for pair in zip(requests, noted, strict=True)]
            with ThreadPoolExecutor(min(self._limits.concurrency, len(requests))) as pool:
                return list(pool.map(self._exchange, requests, noted))
        finally:
            self.exchanges += [exchange for one in noted for exchange in one]

    def without_token(self, said: str) -> str:
        """What a service said without our own credentials, should it repeat them: what is kept is evidence for all.

        What is shorter than `LEAST_SECRET` keeps no secret, and may be a word of any answer.
        """
        return said.replace(self._token, "(token)") if self._token and len(self._token) >= LEAST_SECRET else said

    def _exchange(self, request: Request, noted: list[Exchange]) -> tuple[int, bytes]:
        content = request.content()
        trouble, pause = Text("", ""), 0.0
        for attempt in range(self._limits.attempts):
            if attempt:
                time.sleep(pause)
            try:
                status, body, asked_to_wait = self._once(request, content)
            except TimeoutError:
                seconds = self._limits.timeout
                trouble = Text(f"did not answer within {seconds:g} s", f"{seconds:g} 秒内未应答")
                reason, lost = "timeout", True
            except (OSError, http.client.HTTPException) as error:
                said = str(error)[:200] or type(error).__name__
                trouble = Text(f"cannot be reached: {said}", f"无法连接：{said}")
                reason, lost = "connection", not isinstance(error, ConnectionRefusedError)
            else:
                noted.append(Exchange(request.method, request.path, status, digest_of(content), digest_of(body)))
                if status not in _BUSY:
                    return status, body
                trouble = Text(f"stays busy (HTTP {status})", f"持续繁忙（HTTP {status}）")
                reason, lost = str(status), False
            pause = self._limits.back_off * 2**attempt
            if reason in {"429", "503"}:
                pause = max(pause, asked_to_wait)
            pause = min(pause, self._limits.longest_wait)
            last = attempt + 1 == self._limits.attempts
            if last or not self.ledger.may_retry(reason, pause):
                if not lost:
                    self.ledger.give_back(request.samples)
                break
            if lost:  # the service may have answered what we did not hear: it is asked, and counted, once more
                self.ledger.take(request.samples)
        raise self._fault(trouble)

    def _once(self, request: Request, content: bytes) -> tuple[int, bytes, float]:
        """Status, body, and the seconds the service asks to be left alone."""
        started = time.monotonic()
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if content:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        with self._connection() as connection:
            connection.request(request.method, self._prefix + request.path, content or None, headers)
            answer = connection.getresponse()
            body = self._body(answer, started + self._limits.timeout)
        self.ledger.asked(request.samples, time.monotonic() - started)
        if 300 <= answer.status < 400:
            raise self._fault(
                Text(
                    f"redirects (HTTP {answer.status}); another address is never followed",
                    f"返回重定向（HTTP {answer.status}）；不会访问其他地址",
                )
            )
        return answer.status, body, seconds_to_wait(answer.headers.get("Retry-After"))

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """An idle connection; closed, and so opened anew by its next user, when anything goes wrong with it."""
        connection = self._idle.get()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            self._idle.put(connection)

    def _body(self, answer: http.client.HTTPResponse, deadline: float) -> bytes:
        body = bytearray()
        while chunk := answer.read1(65536):
            body += chunk
            if len(body) > self._limits.largest_answer:
                size = self._limits.largest_answer
                raise self._fault(Text(f"answers more than {size:,} bytes", f"应答超过 {size:,} 字节"))
            if time.monotonic() > deadline:
                raise TimeoutError
        answer.close()  # an answer read to its end frees the connection for the next request
        return bytes(body)

    def _fault(self, what: Text) -> ArtifactError:
        return ArtifactError(
            what, self.where, Text("check that the service runs and is reachable", "请确认服务正在运行且可访问")
        )


def may_carry_a_token(endpoint: str) -> bool:
    """Whether nobody on the way can read what is sent to this address: by TLS, or because there is no way."""
    parts = urlsplit(endpoint)
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}


def seconds_to_wait(header: str | None) -> float:
    """What a `Retry-After` header asks for, as seconds from now; 0 where it says nothing intelligible."""
    if header is None:
        return 0.0
    if header.strip().isascii() and header.strip().isdigit():
        return float(header.strip()[:9])
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)


def endpoint_problem(what: Text) -> DescriptionError:
    """An address that cannot be used."""
    remedy = Text("give the base URL, e.g. http://127.0.0.1:8080, and the model's name", "请给出基础网址与模型名称")
    return DescriptionError([UserError(what, "model.endpoint", remedy)])
