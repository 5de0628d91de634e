"""A reference gateway to tools that speaks the Model Context Protocol: what a product's own is tested like, to try on.

    POST /mcp    JSON-RPC 2.0: initialize, tools/list, tools/call

Every user has a token; the role follows from it and from nothing that a call says. A session is one conversation, over
which limits are counted. The tools themselves do nothing: a call that is allowed is answered with “done”. A role that
approves calls does so with the tool `approve_call`, and a call shows the reference it gave in `_meta`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from touchstone.checks.system_resilience.permissions_gateways import EnforcingGateway, EnforcingSession
from touchstone.methods.agents.policy import NOBODY, Call, Principal, schema
from touchstone.service.served import NoQuestion, strict_document

REVISION = "2025-11-25"
APPROVAL_TOOL = "approve_call"
PATH = "/mcp"
LARGEST_BODY = 2**20
MOST_SESSIONS = 10_000
SECONDS = 10.0
"""How long a client may take over one request."""
_NO_METHOD, _BAD_PARAMETERS, _NO_REQUEST = -32601, -32602, -32600


class ToolGatewayService(ThreadingHTTPServer):
    """Serves a gateway to users with tokens until it is shut down."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        gateway: EnforcingGateway,
        users: Mapping[str, Principal],
        *,
        sessions: bool = True,
    ) -> None:
        """`users` by their tokens. Without `sessions`, all that a user ever does is one conversation."""
        super().__init__(address, _Handler)
        self.gateway, self.sessions = gateway, sessions
        self._users = {_digest(token): user for token, user in users.items()}
        self._open: dict[str, tuple[Principal, EnforcingSession]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.server_address[0]!s}:{self.server_port}{PATH}"

    def user(self, token: str) -> Principal | None:
        """Whose token it is. Looked up by digest, so that the time taken tells nothing."""
        return self._users.get(_digest(token))

    @property
    def unknown(self) -> Principal | None:
        """Who a caller without credentials is: nobody, where the gateway has the defect of serving them."""
        return NOBODY if "no-credentials" in self.gateway.defects else None

    def begin(self, user: Principal, name: str | None = None) -> str:
        """A new conversation of a user; its name."""
        with self._lock:
            if len(self._open) >= MOST_SESSIONS:
                self._open.pop(next(iter(self._open)))
            name = name or secrets.token_urlsafe(24)
            self._open[name] = (user, self.gateway.session(user))
            return name

    def conversation(self, user: Principal, name: str | None) -> EnforcingSession | None:
        """A user's conversation; `None` where it is unknown or another user's."""
        if not self.sessions:
            name = f"all of {user.role} {user.user}"
            if name not in self._open:
                self.begin(user, name)
        owner, session = self._open.get(name or "", (None, None))
        return session if owner == user else None

    def answer(
        self, user: Principal, session: EnforcingSession, method: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """The result of one request, or its error. One at a time, so that limits hold."""
        with self._lock:
            if method == "tools/list":
                return {"result": {"tools": self._tools(session)}}
            if method != "tools/call":
                return _error(_NO_METHOD, "there is no such method")
            name, arguments, claims = (parameters.get(each, {}) for each in ("name", "arguments", "_meta"))
            if not isinstance(name, str) or not isinstance(arguments, dict) or not isinstance(claims, dict):
                return _error(_BAD_PARAMETERS, "a call has a name and arguments")
            if name == APPROVAL_TOOL:
                return _grant(session, arguments)
            outcome = session.call(Call(name, arguments), claims)
            return _result(outcome.said, error=outcome.what != "carried-out")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news, and no reason to show anything."""

    def _tools(self, session: EnforcingSession) -> list[dict[str, Any]]:
        rules = (self.gateway.policy[name] for name in session.offered())
        return [{"name": rule.name, "description": rule.about, "inputSchema": schema(rule)} for rule in rules]


@contextmanager
def tool_gateway_service(
    gateway: EnforcingGateway, users: Mapping[str, Principal], *, sessions: bool = True
) -> Iterator[ToolGatewayService]:
    """A running gateway on a port of its own, on loopback."""
    service = ToolGatewayService(("127.0.0.1", 0), gateway, users, sessions=sessions)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SECONDS
    server: ToolGatewayService

    def do_POST(self) -> None:
        """One message."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        user = self.server.user(token) if scheme == "Bearer" else self.server.unknown
        length = self.headers.get("Content-Length", "")
        if user is None:
            self._send(HTTPStatus.UNAUTHORIZED, {"error": "a valid bearer token is needed"})
        elif self.path != PATH:
            self._send(HTTPStatus.NOT_FOUND, {"error": "there is no such path"})
        elif not (length.isascii() and length.isdigit() and len(length) < 10) or int(length) > LARGEST_BODY:
            self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": "say a length of at most a mebibyte"})
        else:
            self._message(user, self.rfile.read(int(length)))

    def _message(self, user: Principal, body: bytes) -> None:
        try:
            message = strict_document(body)
        except NoQuestion:
            message = {}
        if not isinstance(message.get("method"), str):
            self._send(HTTPStatus.BAD_REQUEST, {"jsonrpc": "2.0", "id": None, **_error(_NO_REQUEST, "no request")})
            return
        if "id" not in message:
            self._send(HTTPStatus.ACCEPTED, None)
            return
        head = {"jsonrpc": "2.0", "id": message["id"]}
        parameters = message.get("params")
        if message["method"] == "initialize" and self.server.sessions:
            answer = {
                "protocolVersion": REVISION,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "tool-gateway", "version": "1"},
            }
            self._send(HTTPStatus.OK, {**head, "result": answer}, {"Mcp-Session-Id": self.server.begin(user)})
            return
        session = self.server.conversation(user, self.headers.get("Mcp-Session-Id"))
        if session is None:
            self._send(HTTPStatus.NOT_FOUND, {**head, **_error(_NO_REQUEST, "there is no such session")})
            return
        given = parameters if isinstance(parameters, dict) else {}
        self._send(HTTPStatus.OK, {**head, **self.server.answer(user, session, message["method"], given)})

    def _send(self, status: HTTPStatus, document: Any, headers: Mapping[str, str] | None = None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.close_connection = True
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: requests are the business of the proxy's log."""


def _grant(session: EnforcingSession, arguments: dict[str, Any]) -> dict[str, Any]:
    """An approval, where the user may give it."""
    tool, shown, user = (arguments.get(each) for each in ("tool", "arguments", "user"))
    try:
        approved = json.loads(shown) if isinstance(shown, str) else None
    except (ValueError, RecursionError):
        approved = None
    if not isinstance(tool, str) or not isinstance(approved, dict) or not isinstance(user, str):
        return _error(_BAD_PARAMETERS, "an approval names tool, arguments and user")
    reference = session.grant(Call(tool, approved), user)
    return _result(reference or "not for this role", error=reference is None)


def _result(text: str, *, error: bool) -> dict[str, Any]:
    return {"result": {"content": [{"type": "text", "text": text}], "isError": error}}


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
