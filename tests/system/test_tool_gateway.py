"""A declared tool gateway: consent, its host, its users and their tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.system.test_generation_problems import ASSISTANT, written
from touchstone.errors import DescriptionError
from touchstone.system.tool_gateway import token_variable

CONSENT = ASSISTANT["deployment"]["endpoint_tests"]
GATEWAY: dict[str, Any] = {"url": "http://127.0.0.1:8091/mcp", "users": {"customer": "C-1001", "clerk": "K-07"}}


def declared(folder: Path, gateway: dict[str, Any], consent: Any = CONSENT, **model: Any) -> str:
    document = {**ASSISTANT, "model": {**ASSISTANT["model"], **model}, "deployment": {"tool_gateway": gateway}}
    if consent is not None:
        document["deployment"]["endpoint_tests"] = consent
    try:
        written(folder, document)
    except DescriptionError as error:
        return "\n".join(each.render("en") for each in error.problems)
    return ""


def test_a_gateway_on_this_machine_or_on_the_consented_host_is_fine(tmp_path: Path) -> None:
    assert declared(tmp_path, GATEWAY) == ""
    there = {**GATEWAY, "url": "https://tools.example.org/mcp"}
    assert declared(tmp_path, there, endpoint="https://tools.example.org:8443") == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "https://elsewhere.example/mcp"}, "neither on the host of model.endpoint"),
        ({"url": "ftp://127.0.0.1/"}, "is not an http or https URL"),
        ({"url": "http://me:secret@127.0.0.1/mcp"}, "holds a user name or password"),
        ({"approval_tool": "approve"}, "goes together with approval_key"),
        ({"users": {}}, "users"),
        ({"users": {"front-desk": "a", "front_desk": "b"}}, "TOUCHSTONE_GATEWAY_TOKEN_FRONT_DESK, like another role"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert said in declared(tmp_path, {**GATEWAY, **change})


def test_nothing_is_sent_without_consent(tmp_path: Path) -> None:
    assert "to which nobody consented" in declared(tmp_path, GATEWAY, consent=None)


def test_the_token_of_a_role_has_a_name_that_a_shell_takes() -> None:
    assert token_variable("front-desk.2") == "TOUCHSTONE_GATEWAY_TOKEN_FRONT_DESK_2"
