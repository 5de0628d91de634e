"""Systems that use tools, for tests: a policy on disk, an assistant and a gateway on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.service.running import TOKEN
from tests.system.test_generation_problems import ASSISTANT, written
from touchstone.checks.system_resilience.permissions_controls import MADE_UP, STAGE
from touchstone.methods.agents.policy import Argument, Policy, Principal
from touchstone.service.tool_gateway import APPROVAL_TOOL
from touchstone.system.models.http_connection import TOKEN_VARIABLE
from touchstone.system.subject import Subject
from touchstone.system.tool_gateway import token_variable

KEY = "touchstone/approval"
TOKENS: Mapping[str, Principal] = {f"token-of-{each.role}": each for each in STAGE.principals}
ENVIRONMENT = {
    TOKEN_VARIABLE: TOKEN,
    **{token_variable(each.role): f"token-of-{each.role}" for each in STAGE.principals},
}


def tool_system(
    folder: Path,
    *,
    chat: str | None = None,
    gateway: str | None = None,
    policy: Policy = MADE_UP,
    tests: Mapping[str, Any] | None = None,
    **declared: Any,
) -> Subject:
    """A system whose assistant is at the URL `chat` and whose gateway is at `gateway`, where there are any."""
    (folder / "tools.yaml").write_text(as_register(policy), encoding="utf-8")
    model = {**ASSISTANT["model"], "generation": {"calls_tools": chat is not None}}
    deployment: dict[str, Any] = {
        "endpoint_tests": {"consent": "the author of this test", "interfaces": ["openai-chat"], **(tests or {})}
    }
    if chat is not None:
        model["endpoint"] = chat
    if gateway is not None:
        deployment["tool_gateway"] = {
            "url": gateway,
            "users": {each.role: each.user for each in STAGE.principals},
            "other_users": ["C-1002", "C-1003"],
            "approval_tool": APPROVAL_TOOL,
            "approval_key": KEY,
            **declared,
        }
    registers = {"tool-policy": "tools.yaml"}
    return written(folder, {**ASSISTANT, "model": model, "deployment": deployment, "registers": registers})


def as_register(policy: Policy) -> str:
    """The policy as an operator would write it down."""
    entries = []
    for rule in policy.values():
        entry: dict[str, Any] = {
            "name": rule.name,
            "does": rule.about,
            "effect": rule.effect,
            "roles": list(rule.roles),
            "arguments": {name: _argument(each) for name, each in rule.arguments.items()},
        }
        if rule.approval is not None:
            entry["approval"] = rule.approval
        if rule.calls is not None:
            entry["calls"] = rule.calls
        if rule.total is not None:
            entry["total"] = {"argument": rule.total[0], "most": rule.total[1]}
        entries.append(entry)
    return yaml.safe_dump(entries, allow_unicode=True)


def _argument(argument: Argument) -> dict[str, Any]:
    plain = Argument()
    said = {name: getattr(argument, name) for name in Argument.__slots__}
    changed = {name: value for name, value in said.items() if value != getattr(plain, name)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}
