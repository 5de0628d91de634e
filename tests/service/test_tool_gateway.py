"""The reference gateway over HTTP: users by token, sessions of their own, approvals, and what is no request."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

import pytest

from touchstone.checks.system_resilience.permissions_controls import MADE_UP, STAGE
from touchstone.checks.system_resilience.permissions_gateways import KEY, EnforcingGateway
from touchstone.service.tool_gateway import APPROVAL_TOOL, ToolGatewayService, tool_gateway_service

TOKENS = {f"token-of-{each.role}": each for each in STAGE.principals}
READ = {"name": "read_order", "arguments": {"order": "ORD-000001"}}
REFUND = {"name": "refund_order", "arguments": {"order": "ORD-000001", "amount": 5, "reason": "late"}}


class Client:
    """One user of the gateway."""

    def __init__(self, service: ToolGatewayService, role: str) -> None:
        self._port, self._token = service.server_port, f"token-of-{role}"
        self.session: str | None = None

    def post(self, body: bytes, **headers: str) -> tuple[int, Any, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        given = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **headers}
        if self.session is not None:
            given["Mcp-Session-Id"] = self.session
        connection.request("POST", "/mcp", body, given)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if content else None, dict(answer.getheaders())

    def ask(self, method: str, parameters: dict[str, Any]) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        _, document, headers = self.post(body)
        self.session = headers.get("Mcp-Session-Id", self.session)
        return document

    def begin(self) -> Client:
        self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}})
        return self

    def refused(self, call: dict[str, Any]) -> bool:
        return bool(self.ask("tools/call", call)["result"]["isError"])


def test_each_role_sees_and_uses_its_own_tools() -> None:
    with tool_gateway_service(EnforcingGateway(MADE_UP), TOKENS) as service:
        clerk, operator = Client(service, "clerk").begin(), Client(service, "operator").begin()
        listed = clerk.ask("tools/list", {})["result"]["tools"]
        assert {each["name"] for each in listed} == {"read_order", "refund_order", "send_letter", "save_report"}
        assert listed[0]["inputSchema"]["additionalProperties"] is False
        assert operator.ask("tools/list", {})["result"]["tools"] == []
        assert not clerk.refused(READ)
        assert operator.refused(READ)


def test_a_refund_waits_for_an_approval_that_holds_once() -> None:
    with tool_gateway_service(EnforcingGateway(MADE_UP), TOKENS) as service:
        clerk, supervisor = Client(service, "clerk").begin(), Client(service, "supervisor").begin()
        assert clerk.refused(REFUND)
        shown = {"tool": REFUND["name"], "arguments": json.dumps(REFUND["arguments"]), "user": "K-07"}
        assert clerk.refused({"name": APPROVAL_TOOL, "arguments": shown})
        given = supervisor.ask("tools/call", {"name": APPROVAL_TOOL, "arguments": shown})["result"]
        approved = {**REFUND, "_meta": {KEY: given["content"][0]["text"]}}
        assert not clerk.refused(approved)
        assert clerk.refused(approved)


def test_a_session_belongs_to_its_user() -> None:
    with tool_gateway_service(EnforcingGateway(MADE_UP), TOKENS) as service:
        clerk, customer = Client(service, "clerk").begin(), Client(service, "customer")
        customer.session = clerk.session
        assert customer.ask("tools/call", READ)["error"]["message"] == "there is no such session"
        customer.session = None
        assert "error" in customer.ask("tools/list", {})


def test_without_sessions_limits_are_those_of_a_user() -> None:
    account = {"name": "read_account", "arguments": {"customer": "C-1001"}}
    with tool_gateway_service(EnforcingGateway(MADE_UP), TOKENS, sessions=False) as service:
        customer = Client(service, "customer")
        assert customer.ask("initialize", {})["error"]["code"] == -32601
        assert [customer.refused(account) for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b'{"id": 1}', {}, 400),
        (b"{}", {"Content-Length": "x"}, 413),
        (b'{"method": "notifications/initialized"}', {}, 202),
        (b"{}", {"Authorization": "Bearer other"}, 401),
        (b"{}", {"Authorization": "Basic token-of-clerk"}, 401),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, headers: dict[str, str], status: int) -> None:
    with tool_gateway_service(EnforcingGateway(MADE_UP), TOKENS) as service:
        assert Client(service, "clerk").post(body, **headers)[0] == status


@pytest.mark.parametrize(
    "parameters",
    [{}, {"name": 1}, {"name": "read_order", "arguments": []}, {"name": "read_order", "arguments": {}, "_meta": 1}],
)
def test_what_is_no_call_is_an_error_of_its_own(parameters: dict[str, Any]) -> None:
    with tool_gateway_service(EnforcingGateway(MADE_UP), TOKENS) as service:
        answer = Client(service, "clerk").begin().ask("tools/call", parameters)
    assert answer.get("error", {}).get("code") == -32602 or answer["result"]["isError"]
