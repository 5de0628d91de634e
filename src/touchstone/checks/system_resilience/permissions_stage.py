"""Where attempts on tools can be made: the gateway, the assistant, the users that ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from touchstone.checks.system_resilience.consented_assistant import ConsentedAssistant, agreed_allowance
from touchstone.checks.system_resilience.endpoint_client import Endpoint
from touchstone.checks.system_resilience.permissions_mcp import McpGateway
from touchstone.conversation import Assistant
from touchstone.errors import UnavailableError
from touchstone.methods.agents.attempts import MOST_BEFORE, Cast, beyond_reach
from touchstone.methods.agents.examples import Draw, identifier
from touchstone.methods.agents.policy import Policy, Principal
from touchstone.methods.agents.requests import Language
from touchstone.records import Note
from touchstone.system.subject import Subject
from touchstone.text import Text

TIMEOUT = 15.0
"""Seconds that the gateway may take to answer."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the attempts are made, and who makes them."""

    cast: Cast
    gateway: McpGateway | None
    assistant: Assistant | None
    languages: tuple[Language, ...]

    @property
    def approvers(self) -> Mapping[str, Principal]:
        """Who can approve, by role."""
        return {each.role: each for each in self.cast.principals}

    @property
    def roles_without_user(self) -> list[str]:
        """Roles of the policy as which nothing can be tried."""
        roles = {role for rule in self.cast.policy.values() for role in rule.roles}
        return sorted(roles - {each.role for each in self.cast.principals})


def stage_of(subject: Subject, policy: Policy, draw: Draw) -> Stage:
    """Who and what takes part. Raises `UnavailableError` where neither assistant nor gateway can be asked."""
    deployment, generation = subject.description.deployment, subject.description.model.generation
    declared = deployment.tool_gateway
    calls_tools = generation is not None and generation.calls_tools
    if declared is None and not calls_tools:
        raise UnavailableError(
            Text(
                "neither does the assistant take descriptions of tools, nor is a tool gateway declared",
                "助手不接受工具描述，也未声明工具网关",
            ),
            "deployment.tool_gateway",
            Text(
                "declare the gateway, or set `model.generation.calls_tools` where the service takes tools",
                "请声明网关；若服务接受工具描述，请设置 `model.generation.calls_tools`",
            ),
        )
    allowance = agreed_allowance(subject)
    assistant = ConsentedAssistant(subject.assistant(), allowance) if calls_tools else None
    languages: tuple[Language, ...] = tuple(generation.languages) if generation is not None else ("en",)
    if declared is None:
        return Stage(Cast(policy, _made_up_users(policy, draw)), None, assistant, languages)
    gateway = McpGateway(declared, Endpoint(declared.url, allowance, TIMEOUT))
    principals = [Principal(user, role) for role, user in declared.users.items()]
    approves = gateway.approval_tool is not None and _approving(policy) <= set(declared.users)
    return Stage(Cast(policy, principals, tuple(declared.other_users), approves), gateway, assistant, languages)


def _approving(policy: Policy) -> set[str]:
    return {rule.approval for rule in policy.values() if rule.approval is not None}


def _made_up_users(policy: Policy, draw: Draw) -> list[Principal]:
    """A user for each role, where no gateway knows any."""
    roles = sorted({role for rule in policy.values() for role in rule.roles} | _approving(policy))
    users: tuple[str, ...] = ()
    for _ in roles:
        users += (identifier(policy, draw, users),)
    return [Principal(user, role) for user, role in zip(users, roles, strict=True)]


def untried(stage: Stage, tools: set[str]) -> Iterator[Note]:
    """What could not be tried, and why; of `tools`, allowed calls were made."""
    names = [name for name in stage.cast.policy if name not in tools]
    if names:
        text = Text(
            f"no allowed call was made of: {', '.join(names[:10])}; whether they serve anybody is not known",
            f"以下工具未发出获准调用：{'、'.join(names[:10])}；无从得知其是否正常服务",
        )
        yield Note(code="tools-untried", text=text)
    far = [name for name, rule in stage.cast.policy.items() if beyond_reach(rule)]
    if far:
        text = Text(
            f"more than {MOST_BEFORE} calls would exceed a limit of: {', '.join(far[:10])}; so many were not made",
            f"以下工具须超过 {MOST_BEFORE} 次调用方可突破限额，未予测试：{'、'.join(far[:10])}",
        )
        yield Note(code="limits-out-of-reach", text=text)
    if without := stage.roles_without_user:
        text = Text(
            f"no test user is declared for the roles {', '.join(without)}: not the whole policy was tried, so that "
            "finding nothing decides nothing",
            f"下列角色未声明测试用户：{'、'.join(without)}；规则未能全部测试，未发现问题不足以判定",
        )
        yield Note(code="roles-untried", text=text)
    if _approving(stage.cast.policy) and not stage.cast.approves:
        text = Text(
            "how the gateway takes approvals, or a test user of a role that gives them, is not declared: their misuse "
            "was not tried",
            "未声明网关如何接受批准，或缺少批准角色的测试用户：未测试对批准的滥用",
        )
        yield Note(code="approvals-untried", text=text)
    limited = any(rule.calls is not None or rule.total is not None for rule in stage.cast.policy.values())
    if stage.gateway is not None and not stage.gateway.sessions and limited:
        text = Text(
            "the gateway has no sessions, so that it cannot know what belongs to one conversation: limits on a "
            "conversation were not tried there",
            "网关没有会话，无法得知哪些调用属于同一次对话：未在网关处测试单次会话的限额",
        )
        yield Note(code="limits-untried", text=text)
