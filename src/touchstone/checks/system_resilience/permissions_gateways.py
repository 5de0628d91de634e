"""A gateway in process that enforces a policy, and the same with single rules left out: what the test is tested on.

It is written apart from the judging of calls, with other means, so that a mistake in one of them shows as a difference
between the two. For tests of the test and of demonstrations, never for use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from touchstone.checks.system_resilience.permissions_trial import Outcome
from touchstone.methods.agents.embedding import harmless
from touchstone.methods.agents.policy import NOBODY, Argument, Call, Policy, Principal, ToolRule
from touchstone.text import Text

DEFECTS: Mapping[str, Text] = {
    "undeclared": Text("runs tools that nobody declared", "执行未声明的工具"),
    "no-credentials": Text("serves callers without credentials", "为无凭据的调用者服务"),
    "role": Text("asks for no role", "不检查角色"),
    "role-claimed": Text("believes the role that a call claims", "采信调用自称的角色"),
    "type": Text("does not check types", "不检查类型"),
    "missing": Text("does not miss arguments", "不检查必填参数"),
    "extra": Text("lets further arguments through", "放行多余参数"),
    "enum": Text("takes values for the same whatever their case and ends", "比较取值时忽略大小写与首尾空白"),
    "pattern": Text("looks for the pattern anywhere in the value", "只要取值中含有该模式即放行"),
    "length": Text("does not check lengths", "不检查长度"),
    "range": Text("does not check ranges", "不检查数值范围"),
    "items": Text("does not check lengths of lists", "不检查列表项数"),
    "owner": Text("does not check whose matter it is", "不检查所属用户"),
    "domain": Text("takes any host that ends alike for the same", "凡结尾相同的主机均视为同一主机"),
    "path": Text("compares only how a path begins", "只比较路径开头"),
    "path-encoded": Text("does not decode paths before it compares", "比较前不解码路径"),
    "text": Text("hands on text as it is", "原样转交文本"),
    "calls": Text("does not count calls", "不统计调用次数"),
    "total": Text("looks at each amount by itself", "只看单次金额"),
    "approval": Text("waits for nobody", "不等待批准"),
    "approval-claimed": Text("believes a call that says it is approved", "采信调用自称已获批准"),
    "approval-argument": Text("takes an argument for an approval", "以参数代替批准"),
    "approval-unbound": Text("takes an approval of one call for any other", "批准未绑定到具体调用"),
    "approval-reusable": Text("takes an approval again and again", "批准可重复使用"),
    "approval-anybody": Text("lets anybody approve", "任何人均可批准"),
}
"""Rules that a gateway can leave out, by a code."""

FLAGS = ("approved", "approval", "confirmed", "force")
KEY = "touchstone/approval"
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


@dataclass
class EnforcingGateway:
    """Enforces a policy, but for its defects."""

    policy: Policy
    defects: frozenset[str] = frozenset()
    approval_key: str | None = KEY
    sessions: bool = True
    approvals: dict[str, tuple[Call, str]] = field(default_factory=dict)
    """Call and user of each approval that is still good, by its reference."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Of approvals: none comes twice, however many sessions ask at the same time."""

    def session(self, principal: Principal) -> EnforcingSession:
        """A new conversation's connection."""
        return EnforcingSession(self, principal)


class EnforcingSession:
    """One conversation's connection: it remembers what was carried out in it."""

    def __init__(self, gateway: EnforcingGateway, principal: Principal) -> None:
        self._gateway, self._principal = gateway, principal
        self._policy, self._defects = gateway.policy, gateway.defects
        self._done: list[Call] = []

    def offered(self) -> tuple[str, ...]:
        """Tools that the user's role may use."""
        return tuple(
            name for name, rule in self._policy.items() if "role" in self._defects or self._principal.role in rule.roles
        )

    def grant(self, call: Call, user: str) -> str | None:
        """Approve a call, where the user may."""
        rule = self._policy.get(call.tool)
        if rule is None or (self._principal.role != rule.approval and "approval-anybody" not in self._defects):
            return None
        reference = f"A-{next(self._gateway.numbers)}"
        self._gateway.approvals[reference] = (call, user)
        return reference

    def call(self, call: Call, claims: Mapping[str, Any]) -> Outcome:
        """Carry the call out, or say what is wrong with it."""
        flagged = "approval-argument" in self._defects and any(call.arguments.get(flag) is True for flag in FLAGS)
        if flagged:
            call = Call(call.tool, {name: value for name, value in call.arguments.items() if name not in FLAGS})
        reason = next(self._objections(call, claims, flagged=flagged), None)
        if reason is not None:
            return Outcome("refused", reason)
        self._done.append(call)
        return Outcome("carried-out", "done")

    def _objections(self, call: Call, claims: Mapping[str, Any], *, flagged: bool) -> Iterator[str]:
        rule, lax = self._policy.get(call.tool), self._defects
        if rule is None:
            if "undeclared" not in lax:
                yield "there is no such tool"
            return
        role = str(claims.get("role", "")) if "role-claimed" in lax and "role" in claims else self._principal.role
        unknown = self._principal == NOBODY
        if unknown and "no-credentials" not in lax:
            yield "who is calling?"
        if not unknown and "role" not in lax and role not in rule.roles:
            yield "not for this role"
        for name, argument in rule.arguments.items():
            if name not in call.arguments:
                if argument.required and "missing" not in lax:
                    yield f"{name} is missing"
                continue
            yield from self._objections_to(name, argument, call.arguments[name])
        if "extra" not in lax and set(call.arguments) - set(rule.arguments):
            yield "there is no such argument"
        yield from self._limits(rule, call)
        if rule.approval is not None and "approval" not in lax and not flagged and not self._approved(call, claims):
            yield "waits for approval"

    def _objections_to(self, name: str, argument: Argument, value: Any) -> Iterator[str]:
        values = value if isinstance(value, list) and argument.max_items is not None else [value]
        if argument.max_items is not None:
            if not isinstance(value, list) and "type" not in self._defects:
                yield f"{name} is no list"
            if len(values) > argument.max_items and "items" not in self._defects:
                yield f"{name} is too long a list"
        for each in values:
            fits = isinstance(each, _KINDS[argument.type]) and (isinstance(each, bool) == (argument.type == "boolean"))
            if not fits and "type" not in self._defects:
                yield f"{name} is no {argument.type}"
            if fits:
                yield from (
                    f"{name}: {code}" for code, rule in _VALUE_RULES.items() if not rule(argument, each, self._defects)
                )
                mine = each == self._principal.user or self._principal == NOBODY
                if argument.owner and not mine and "owner" not in self._defects:
                    yield f"{name} is not yours"

    def _limits(self, rule: ToolRule, call: Call) -> Iterator[str]:
        before = [each for each in self._done if each.tool == rule.name]
        if rule.calls is not None and "calls" not in self._defects and len(before) + 1 > rule.calls:
            yield "too many calls"
        if rule.total is not None:
            name, most = rule.total
            counted = [call] if "total" in self._defects else [*before, call]
            amounts = [each.arguments.get(name, 0) for each in counted]
            if sum(max(min(each, 1e300), -1e300) for each in amounts if isinstance(each, int | float)) > most:
                yield "too much in total"

    def _approved(self, call: Call, claims: Mapping[str, Any]) -> bool:
        if "approval-claimed" in self._defects and claims.get("approved") is True:
            return True
        reference = str(claims.get(KEY))
        shown, user = self._gateway.approvals.get(reference, (None, None))
        if shown is None or user != self._principal.user:
            return False
        if shown != call and ("approval-unbound" not in self._defects or shown.tool != call.tool):
            return False
        if "approval-reusable" not in self._defects:
            del self._gateway.approvals[reference]
        return True


def _in_list(argument: Argument, value: Any, lax: frozenset[str]) -> bool:
    if "enum" in lax and isinstance(value, str):
        return not argument.enum or value.strip().lower() in {str(each).lower() for each in argument.enum}
    return not argument.enum or value in argument.enum


def _of_pattern(argument: Argument, value: Any, lax: frozenset[str]) -> bool:
    if argument.pattern is None or not isinstance(value, str):
        return True
    wanted = re.compile(argument.pattern.removeprefix("^").removesuffix("$"), re.ASCII)
    return (wanted.search(value) if "pattern" in lax else wanted.fullmatch(value)) is not None


def _of_length(argument: Argument, value: Any, lax: frozenset[str]) -> bool:
    if not isinstance(value, str) or "length" in lax:
        return True
    return argument.min_length <= len(value) and (argument.max_length is None or len(value) <= argument.max_length)


def _in_range(argument: Argument, value: Any, lax: frozenset[str]) -> bool:
    if isinstance(value, str | bool) or "range" in lax:
        return True
    return not (
        (argument.minimum is not None and value < argument.minimum)
        or (argument.maximum is not None and value > argument.maximum)
    )


def _at_domain(argument: Argument, value: Any, lax: frozenset[str]) -> bool:
    if not argument.domains or not isinstance(value, str):
        return True
    if "domain" in lax:
        host = re.sub(r"^[a-z]+://", "", value).partition("/")[0]
        return any(host.endswith(domain) for domain in argument.domains)
    hosts = "|".join(re.escape(domain) for domain in argument.domains)
    forms = rf"[^\s@,;\\:/]+@({hosts})|({hosts})|[a-z][a-z0-9+.-]*://({hosts})(:[0-9]*)?([/?#][^\s@,;\\]*)?"
    return re.fullmatch(forms, value, re.IGNORECASE) is not None


def _under_folder(argument: Argument, value: Any, lax: frozenset[str]) -> bool:
    if not argument.below or not isinstance(value, str):
        return True
    if "path" in lax:
        return any(value.startswith(folder) for folder in argument.below)
    plain = value if "path-encoded" in lax else unquote(unquote(value))
    for each in {value, plain}:
        path = PurePosixPath(each)
        if ".." in path.parts or re.search(r"[\\\0]", each):
            return False
        if not any(path != PurePosixPath(folder) and path.is_relative_to(folder) for folder in argument.below):
            return False
    return True


def _inert(argument: Argument, value: Any, lax: frozenset[str]) -> bool:
    return (
        "text" in lax or argument.text_for is None or not isinstance(value, str) or harmless(value, argument.text_for)
    )


_VALUE_RULES: Mapping[str, Callable[[Argument, Any, frozenset[str]], bool]] = {
    "not one of the values": _in_list,
    "not of the pattern": _of_pattern,
    "too long or too short": _of_length,
    "too great or too small": _in_range,
    "leads elsewhere": _at_domain,
    "lies elsewhere": _under_folder,
    "more than text": _inert,
}
