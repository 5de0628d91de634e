"""The whole route against an assistant and a gateway in service: workers reach both, with a token for each role."""

from __future__ import annotations

from pathlib import Path

import pytest

import touchstone
from tests.checks.system_resilience.tool_systems import ENVIRONMENT, TOKENS, tool_system
from tests.service.running import running
from touchstone.checks.system_resilience.permissions_assistants import Clerk
from touchstone.checks.system_resilience.permissions_controls import MADE_UP
from touchstone.checks.system_resilience.permissions_gateways import EnforcingGateway
from touchstone.records import Verdict
from touchstone.service.chat import Chat
from touchstone.service.server import Limits
from touchstone.service.tool_gateway import tool_gateway_service


def test_a_gateway_is_assessed_in_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, token in ENVIRONMENT.items():
        monkeypatch.setenv(name, token)
    chat = Chat({"counter": Clerk(MADE_UP)})
    with (
        running(Limits(rate=10_000, burst=10_000, at_once=8), chat) as service,
        tool_gateway_service(EnforcingGateway(MADE_UP), TOKENS) as tools,
    ):
        folder = tmp_path / "system"
        folder.mkdir()
        tool_system(folder, chat=service.url, gateway=tools.url)
        found = touchstone.assess(
            folder, profile="generation-screening", output=tmp_path / "out", only={"SR-07"}, jobs=1
        ).assessment.findings
    assert {each.control: each.verdict for each in found}["SR-07"] == Verdict.PASS
