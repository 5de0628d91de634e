"""The client of tool gateways: both forms of the protocol, streams, refusals, and servers that answer nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchstone.checks.system_resilience import permissions_mcp
from touchstone.checks.system_resilience.endpoint_client import Allowance, Endpoint
from touchstone.checks.system_resilience.permissions_mcp import HANDSHAKE, STATELESS, McpGateway, McpSession
from touchstone.errors import BudgetSpentError, UnavailableError
from touchstone.methods.agents.policy import NOBODY, Call, Principal
from touchstone.system.description import ToolGateway
from touchstone.system.tool_gateway import token_variable

USER = Principal("C-1", "customer")
CALL = Call("pay", {"amount": 1.5, "to": "单"})


class Server(ThreadingHTTPServer):
    """Answers as the test says; keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.answer: Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]] = with_sessions

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/mcp"

    def asked(self, method: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        return [(headers, message) for headers, message in self.got if message["method"] == method]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): str(self.headers[name]) for name in self.headers}  # the first, as many servers do
        self.server.got.append((headers, message))
        status, more, body = self.server.answer(message)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **more, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        pass


def result(message: dict[str, Any], value: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": value}).encode()


def with_sessions(message: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    if message["method"] == "initialize":
        return 200, {"Mcp-Session-Id": "s-1"}, result(message, {"protocolVersion": HANDSHAKE})
    return 200, {}, result(message, {"content": [{"type": "text", "text": "done"}], "tools": [{"name": "pay"}]})


def stateless(message: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    if message["method"] == "initialize":
        error = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}}
        return 404, {}, json.dumps(error).encode()
    return with_sessions(message)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv(token_variable("customer"), "its-token")
    monkeypatch.setattr(permissions_mcp, "PAUSES", (0.01, 0.01))
    with serving() as running:
        yield running


@contextmanager
def serving() -> Iterator[Server]:
    running = Server()
    Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()


def gateway(server: Server, requests: int = 1000, **more: Any) -> McpGateway:
    declared = ToolGateway(url=server.url, users={"customer": "C-1"}, **more)
    return McpGateway(declared, Endpoint(server.url, Allowance(requests, 60), 2.0))


def session(server: Server, **more: Any) -> McpSession:
    return gateway(server, **more).session(USER)


def answering(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    def answer(message: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if message["method"] != "tools/call":
            return with_sessions(message)
        if isinstance(body, bytes):
            return status, headers or {}, body
        return status, headers or {}, json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}).encode()

    return answer


def test_a_session_is_begun_and_named_in_every_call(server: Server) -> None:
    assert session(server).call(CALL, {"k": "v"}).what == "carried-out"
    [headers, sent] = server.asked("tools/call")[0]
    assert sent["params"] == {"name": "pay", "arguments": {"amount": 1.5, "to": "单"}, "_meta": {"k": "v"}}
    assert headers["mcp-session-id"] == "s-1"
    assert headers["mcp-protocol-version"] == HANDSHAKE
    assert headers["authorization"] == "Bearer its-token"
    assert {"application/json", "text/event-stream"} <= set(headers["accept"].split(", ")), (
        "in one line: of several, servers read one"
    )
    assert server.asked("notifications/initialized")


def test_a_gateway_without_sessions_is_told_everything_in_each_request(server: Server) -> None:
    server.answer = stateless
    assert session(server).call(CALL, {}).what == "carried-out"
    [headers, sent] = server.asked("tools/call")[0]
    assert sent["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == STATELESS
    assert (headers["mcp-method"], headers["mcp-name"]) == ("tools/call", "pay")
    assert headers["mcp-protocol-version"] == STATELESS
    assert "mcp-session-id" not in headers


def test_a_user_whose_conversation_cannot_be_begun_is_refused_nothing(server: Server) -> None:
    asked = gateway(server)

    def crowded(message: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        return (503, {}, b"") if message["method"] == "initialize" else (400, {}, b"no session")

    server.answer = crowded
    assert asked.session(USER).call(CALL, {}).what == "unanswered"
    assert asked.session(USER).grant(CALL, "C-2") is None
    assert not server.asked("tools/call")
    server.answer = lambda message: (401, {}, b"")
    assert asked.session(NOBODY).call(CALL, {}).what == "refused"


def test_tokens_that_a_gateway_repeats_are_kept_nowhere(server: Server) -> None:
    opened = session(server, approval_tool="approve", approval_key="k")
    server.answer = answering({"result": {"content": [{"type": "text", "text": "hello its-token"}], "isError": False}})
    assert opened.call(CALL, {}).said == "hello (token)"
    assert opened.grant(CALL, "C-2") == "hello (token)"
    server.answer = answering({"error": {"code": 1, "message": "Bearer its-token is not yours"}})
    assert opened.call(CALL, {}).said == "Bearer (token) is not yours"


def test_two_roles_with_one_token_are_no_two_users(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(token_variable("clerk"), "its-token")
    declared = ToolGateway(url=server.url, users={"customer": "C-1", "clerk": "K-1"})
    with pytest.raises(UnavailableError, match="customer and clerk have the same token"):
        McpGateway(declared, Endpoint(server.url, Allowance(10, 60), 2.0))


def test_the_answer_may_come_as_a_stream_of_events(server: Server) -> None:
    def streamed(message: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = with_sessions(message)
        notice = b'event: message\ndata: {"jsonrpc": "2.0", "method": "notifications/progress"}\n\n'
        return status, {**headers, "Content-Type": "text/event-stream"}, notice + b"data: " + body + b"\n\n"

    server.answer = streamed
    assert session(server).call(CALL, {}).said == "done"


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ({"result": {"content": []}}, 200, "carried-out"),
        ({"result": {"content": [], "isError": True}}, 200, "refused"),
        ({"result": {"resultType": "input_required", "inputRequests": {}}}, 200, "refused"),
        ({"error": {"code": -32602, "message": "unknown tool"}}, 200, "refused"),
        ({"error": {"code": -32602, "message": "unknown tool"}}, 400, "refused"),
        (b"", 403, "refused"),
        (b"", 401, "refused"),
        (b"moved", 307, "unanswered"),
        (b"", 500, "unanswered"),
        (b"", 503, "unanswered"),
        (b"hello", 200, "unanswered"),
        (b"[" * 50_000, 200, "unanswered"),
        ({"result": []}, 200, "unanswered"),
    ],
)
def test_what_counts_as_carried_out(server: Server, body: Any, status: int, what: str) -> None:
    server.answer = answering(body, status)
    assert session(server).call(CALL, {}).what == what


def test_a_busy_gateway_is_asked_again(server: Server) -> None:
    opened = session(server)
    busy = [True, True]
    server.answer = lambda message: (429, {}, b"") if busy and busy.pop() else with_sessions(message)
    assert opened.call(CALL, {}).what == "carried-out"


def test_a_name_that_no_tool_can_have_is_not_sent(server: Server) -> None:
    opened = session(server)
    assert opened.call(Call("pay\r\nAuthorization: x", {}), {}).what == "refused"
    assert not server.asked("tools/call")


def test_an_answer_to_another_request_is_none(server: Server) -> None:
    server.answer = answering(b'{"jsonrpc": "2.0", "id": 999, "result": {}}')
    assert session(server).call(CALL, {}).what == "unanswered"


def test_tools_are_listed_page_by_page_without_that_for_approvals(server: Server) -> None:
    def paged(message: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if message["method"] != "tools/list":
            return with_sessions(message)
        if "cursor" in message["params"]:
            return 200, {}, result(message, {"tools": [{"name": "c"}, "odd", {"name": "approve"}]})
        return 200, {}, result(message, {"tools": [{"name": "a"}], "nextCursor": "2"})

    server.answer = paged
    assert session(server, approval_tool="approve", approval_key="k").offered() == ("a", "c")


def test_an_approval_is_asked_for_with_the_tool_that_gives_it(server: Server) -> None:
    server.answer = answering({"result": {"structuredContent": {"reference": "A-9"}, "content": []}})
    opened = session(server, approval_tool="approve", approval_key="k")
    assert opened.grant(CALL, "C-2") == "A-9"
    [_, sent] = server.asked("tools/call")[0]
    assert sent["params"]["name"] == "approve"
    assert json.loads(sent["params"]["arguments"]["arguments"]) == CALL.arguments
    server.answer = answering({"result": {"content": [], "isError": True}})
    assert opened.grant(CALL, "C-2") is None
    assert session(server).grant(CALL, "C-2") is None


def test_whoever_does_not_speak_the_protocol_is_unavailable(server: Server) -> None:
    server.answer = lambda message: (200, {}, b"<html>welcome</html>")
    with pytest.raises(UnavailableError, match="does not answer in MCP"):
        gateway(server)


def test_the_budget_holds(server: Server) -> None:
    opened = gateway(server, requests=5).session(USER)
    opened.call(CALL, {})
    with pytest.raises(BudgetSpentError):
        opened.call(CALL, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["result", "error", "content", "tools", "name", "text", "isError", "id", "structuredContent"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_whatever_comes_back_is_an_outcome(server: Server, document: Any) -> None:
    server.answer = with_sessions
    opened = session(server, approval_tool="approve", approval_key="k")
    server.answer = lambda message: (200, {}, result({"id": None}, document))
    assert opened.call(CALL, {}).what in {"carried-out", "refused", "unanswered"}
    assert isinstance(opened.offered(), tuple)
    server.answer = lambda message: (200, {}, json.dumps(document).encode())
    assert opened.call(CALL, {}).what in {"carried-out", "refused", "unanswered"}
    assert isinstance(opened.offered(), tuple)
    assert opened.grant(CALL, "C-2") is None or isinstance(opened.grant(CALL, "C-2"), str)
