"""A gateway that speaks the Model Context Protocol over HTTP, asked as one test user after the other.

Both forms are spoken: sessions begun by `initialize` (revisions 2025-06-18 and 2025-11-25), and requests that each
carry everything (2026-07-28). Something was carried out when a result says so; a JSON-RPC error, a result marked as an
error, one that asks for more input, and HTTP 4xx are refusals. What comes back is parsed as hostile input.

Source: https://modelcontextprotocol.io/specification/2026-07-28 and the revisions before it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from touchstone.checks.system_resilience.endpoint_client import Answer, Endpoint
from touchstone.checks.system_resilience.permissions_trial import Outcome
from touchstone.errors import UnavailableError
from touchstone.methods.agents.policy import Call, Principal
from touchstone.system.description import ToolGateway
from touchstone.system.models.http_connection import may_carry_a_token, seconds_to_wait
from touchstone.system.tool_gateway import token_variable
from touchstone.text import Text

HANDSHAKE = "2025-11-25"
"""Newest revision with sessions, which is asked for first."""
STATELESS = "2026-07-28"
CLIENT = {"name": "touchstone", "version": "1"}
ACCEPTED = "application/json, text/event-stream"
"""In one line: of several, many servers read the first alone."""
MOST_PAGES = 20
PAUSES = (0.5, 1.0, 2.0)
"""Seconds after which a busy gateway is asked again, unless it asks for longer."""
LONGEST_WAIT = 10.0
LONGEST_SAID = 500
"""Characters of what a gateway says that are kept; an answer has a bound of its own."""
_VISIBLE = re.compile(r"[!-~]{1,500}")
_UNHEARD = frozenset({408, 429})


class McpGateway:
    """The gateway of a product, at one address."""

    def __init__(self, declared: ToolGateway, endpoint: Endpoint) -> None:
        """Find out what the gateway speaks.

        Raises `UnavailableError` without a token for each role, and where nothing answers in MCP.
        """
        self.endpoint = endpoint
        self.approval_tool, self.approval_key = declared.approval_tool, declared.approval_key
        self._tokens = {role: _token(declared.url, role) for role in declared.users}
        _tell_apart(self._tokens)
        first = self.connection(next(iter(declared.users)))
        self.revision = _opened(first)
        self.sessions = first.session is not None
        if self.revision is None and not isinstance(first.ask("tools/list", {}).get("result"), dict):
            raise UnavailableError(
                Text("the tool gateway does not answer in MCP", "工具网关未以 MCP 应答"),
                declared.url,
                Text("check its address and the tokens of its test users", "请检查其地址与测试用户的令牌"),
            )

    def session(self, principal: Principal) -> McpSession:
        """A new conversation's connection."""
        connection = self.connection(principal.role)
        begun = self.revision is None or _opened(connection) is not None
        usable = begun or principal.role not in self._tokens
        return McpSession(connection, self.approval_tool, self._without_tokens, usable=usable)

    def connection(self, role: str) -> Connection:
        """Requests on behalf of the test user in a role; without a token for a role that nobody has."""
        return Connection(self.endpoint, self._tokens.get(role))

    def _without_tokens(self, said: str) -> str:
        for token in self._tokens.values():
            said = said.replace(token, "(token)")
        return said


class McpSession:
    """One conversation's connection, for one user."""

    def __init__(
        self, connection: Connection, approval_tool: str | None, cleared: Callable[[str], str], *, usable: bool
    ) -> None:
        """`cleared` takes out of what the gateway says what must not become evidence.

        Not `usable` is a conversation that a known user could not begin: what is refused then shows nothing.
        """
        self._connection, self._approval_tool = connection, approval_tool
        self._cleared, self._usable = cleared, usable

    def offered(self) -> tuple[str, ...]:
        """Names of the tools that the gateway lists."""
        names: list[str] = []
        cursor: dict[str, Any] = {}
        for _ in range(MOST_PAGES):
            result = self._connection.ask("tools/list", cursor).get("result")
            listed = result.get("tools") if isinstance(result, dict) else None
            names += (
                [str(each.get("name")) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
            )
            if not isinstance(result, dict) or not isinstance(result.get("nextCursor"), str):
                break
            cursor = {"cursor": result["nextCursor"]}
        return tuple(name for name in names if name != self._approval_tool)

    def call(self, call: Call, claims: Mapping[str, Any]) -> Outcome:
        """Have a tool used."""
        if _VISIBLE.fullmatch(call.tool) is None:
            return Outcome("refused", "not sent: no name that a tool can have")
        if not self._usable:
            return Outcome("unanswered", "no conversation could be begun")
        parameters: dict[str, Any] = {"name": call.tool, "arguments": dict(call.arguments)}
        if claims:
            parameters["_meta"] = dict(claims)
        outcome = _outcome(self._connection.ask("tools/call", parameters))
        return Outcome(outcome.what, self._cleared(outcome.said)[:LONGEST_SAID])

    def grant(self, call: Call, user: str) -> str | None:
        """Approve a call of another user, by the tool that the gateway has for it."""
        if self._approval_tool is None or not self._usable:
            return None
        arguments = {"tool": call.tool, "arguments": json.dumps(dict(call.arguments)), "user": user}
        answer = self._connection.ask("tools/call", {"name": self._approval_tool, "arguments": arguments})
        if _outcome(answer).what != "carried-out":
            return None
        structured = answer["result"].get("structuredContent")
        named = structured.get("reference") if isinstance(structured, dict) else None
        return self._cleared(str(named or _text(answer["result"])).strip())[:LONGEST_SAID] or None


class Connection:
    """JSON-RPC over HTTP with one bearer token, or none. What is no answer is told by its HTTP `status` alone."""

    def __init__(self, endpoint: Endpoint, token: str | None) -> None:
        self._endpoint, self._token = endpoint, token
        self.session: str | None = None
        self.revision: str | None = None
        self._asked = 0

    def ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `BudgetSpentError` when no more requests were agreed upon."""
        self._asked += 1
        if self.revision is None and method != "initialize":
            parameters = {**parameters, "_meta": {**parameters.get("_meta", {}), **_SELF}}
        message = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": parameters}
        answer = self._send(message)
        if method == "initialize":
            self.session = answer.headers.get("mcp-session-id")
        return {"status": answer.status, **_message(answer, self._asked)}

    def notify(self, method: str) -> None:
        """Tell something that is not answered."""
        self._send({"jsonrpc": "2.0", "method": method})

    def _send(self, message: dict[str, Any]) -> Answer:
        body = json.dumps(message).encode()
        lines = []
        if message["method"] != "initialize":
            lines.append(f"MCP-Protocol-Version: {self.revision or STATELESS}")
        if self.revision is None:
            lines.append(f"Mcp-Method: {message['method']}")
            if message["method"] == "tools/call":
                lines.append(f"Mcp-Name: {message['params']['name']}")
        if self.session is not None and _VISIBLE.fullmatch(self.session):
            lines.append(f"Mcp-Session-Id: {self.session}")
        lines.append(f"Content-Length: {len(body)}")
        start = f"POST {self._endpoint.prefix or '/'} HTTP/1.1\r\n".encode("latin-1")
        headers = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
        content = start + self._endpoint.headers(token=self._token, accept=ACCEPTED) + headers + b"\r\n" + body
        for pause in PAUSES:
            answer = self._endpoint.exchange(content)
            if not answer.busy:
                return answer
            time.sleep(min(max(pause, seconds_to_wait(answer.headers.get("retry-after"))), LONGEST_WAIT))
        return self._endpoint.exchange(content)


_SELF = {
    "io.modelcontextprotocol/protocolVersion": STATELESS,
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What each request says where there is no handshake."""


def _opened(connection: Connection) -> str | None:
    """Begin a session, and the revision that it speaks; `None` where there are no sessions."""
    asked = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": CLIENT}
    result = connection.ask("initialize", asked).get("result")
    revision = result.get("protocolVersion") if isinstance(result, dict) else None
    if not isinstance(revision, str) or _VISIBLE.fullmatch(revision) is None:
        return None
    connection.revision = revision
    connection.notify("notifications/initialized")
    return revision


def _message(answer: Answer, identifier: int) -> dict[str, Any]:
    """The JSON-RPC answer in the body, or the one among the events of a stream."""
    texts = [answer.body.decode("utf-8", "replace")]
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        events = re.split(r"\r?\n\r?\n", texts[0])
        texts = ["\n".join(re.findall(r"^data: ?(.*?)\r?$", event, re.MULTILINE)) for event in events]
    for text in texts:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict) and document.get("id") in (identifier, None) and document.keys() & _ENDS:
            return {name: document[name] for name in _ENDS if name in document}
    return {}


_ENDS = frozenset({"result", "error"})


def _outcome(answer: dict[str, Any]) -> Outcome:
    status, result = answer["status"], answer.get("result")
    if status is None or status in _UNHEARD or status >= 500:
        return Outcome("unanswered", f"HTTP {status}" if status else "no answer")
    if isinstance(result, dict) and 200 <= status < 300:
        complete = result.get("resultType", "complete") == "complete" and result.get("isError") in (None, False)
        return Outcome("carried-out" if complete else "refused", _text(result))
    error = answer.get("error")
    said = str(error.get("message", "")) if isinstance(error, dict) else f"HTTP {status}"
    refused = isinstance(error, dict) or 400 <= status < 500
    return Outcome("refused" if refused else "unanswered", said)


def _text(result: dict[str, Any]) -> str:
    content = result.get("content")
    parts = [each.get("text") for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    return " ".join(part for part in parts if isinstance(part, str))


def _token(url: str, role: str) -> str:
    token = os.environ.get(token_variable(role)) if may_carry_a_token(url) else None
    if token is None or _VISIBLE.fullmatch(token) is None:
        raise UnavailableError(
            Text(f"there is no token for the test user in the role {role}", f"缺少角色 {role} 测试用户的令牌"),
            "deployment.tool_gateway",
            Text(
                f"give it in {token_variable(role)}; it is sent over TLS or to this machine only",
                f"请通过 {token_variable(role)} 提供；令牌仅经 TLS 或向本机发送",
            ),
        )
    return token


def _tell_apart(tokens: Mapping[str, str]) -> None:
    """Raises `UnavailableError` where two roles have one token: what one may do would be held against the other."""
    roles: dict[str, str] = {}
    for role, token in tokens.items():
        other = roles.setdefault(token, role)
        if other != role:
            raise UnavailableError(
                Text(f"the roles {other} and {role} have the same token", f"角色 {other} 与 {role} 的令牌相同"),
                "deployment.tool_gateway",
                Text(
                    f"give each its own, in {token_variable(other)} and {token_variable(role)}",
                    f"请分别在 {token_variable(other)} 与 {token_variable(role)} 中提供各自的令牌",
                ),
            )
