"""The product's own gateway to its tools: what its declaration must not contradict, and where its tokens come from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from touchstone.documents import FieldPath
from touchstone.system.address_problems import address_problems
from touchstone.system.description import SystemDescription
from touchstone.system.problem import Problem
from touchstone.text import Text

TOKEN_PREFIX = "TOUCHSTONE_GATEWAY_TOKEN_"  # noqa: S105 - the beginning of a variable's name, not what is in it
"""Environment variables with the bearer tokens of the gateway's test users begin so; the role follows."""
_AT: FieldPath = ("deployment", "tool_gateway")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def token_variable(role: str) -> str:
    """Name of the environment variable with the token of the test user in a role.

    >>> token_variable("front-desk")
    'TOUCHSTONE_GATEWAY_TOKEN_FRONT_DESK'
    """
    return TOKEN_PREFIX + re.sub(r"[^A-Z0-9]", "_", role.upper())


def gateway_problems(description: SystemDescription) -> Iterator[Problem]:
    """Every way in which a declared tool gateway contradicts itself or the rest of the description."""
    deployment = description.deployment
    gateway = deployment.tool_gateway
    if gateway is None:
        return
    if deployment.endpoint_tests is None:
        yield Problem(
            _AT,
            Text("is sent hostile calls, to which nobody consented", "将收到恶意调用，但未获同意"),
            Text(
                "state who consents in `deployment.endpoint_tests`", "请在 `deployment.endpoint_tests` 中写明由谁同意"
            ),
        )
    unusable = list(address_problems((*_AT, "url"), gateway.url))
    yield from unusable
    if not unusable and urlsplit(gateway.url).hostname not in {_host(description.model.endpoint), *_LOOPBACK}:
        yield Problem(
            (*_AT, "url"),
            Text(
                "is neither on the host of model.endpoint, for which there is consent, nor on this machine",
                "既不在已获同意的 model.endpoint 主机上，也不在本机",
            ),
            Text("name the staging gateway on that host", "请填写该主机上的预发布网关"),
        )
    if (gateway.approval_tool is None) != (gateway.approval_key is None):
        yield Problem(
            (*_AT, "approval_tool"),
            Text("goes together with approval_key", "须与 approval_key 一并填写"),
            Text("declare both, or neither", "请同时填写，或均不填"),
        )
    variables = Counter(token_variable(role) for role in gateway.users)
    for role in gateway.users:
        if variables[token_variable(role)] > 1:
            yield Problem(
                (*_AT, "users", role),
                Text(
                    f"has its token in {token_variable(role)}, like another role",
                    f"与另一角色共用令牌变量 {token_variable(role)}",
                ),
                Text("give the roles names that differ in letters", "请使用字母不同的角色名称"),
            )


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None
