"""The tool policy of a system, as calls are judged by it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from touchstone.checks.remarks import Remarks
from touchstone.errors import DescriptionError, UserError
from touchstone.methods.agents.policy import Argument, Policy, ToolRule
from touchstone.methods.agents.policy_flaws import policy_flaws
from touchstone.records import Metric, Note
from touchstone.system.registers.tool_policy import ArgumentRule, ToolPolicy
from touchstone.system.subject import Subject
from touchstone.text import Text

MOST_TOOLS = 500
FLAWS = {
    "no-approval": Text("has grave effects and waits for nobody's approval", "后果严重却无须任何人批准"),
    "approves-own-calls": Text("is approved by a role that may call it itself", "批准角色本身也可调用"),
    "unlimited": Text("moves money without a limit on calls or their sum", "可转移资金，却无次数或总额上限"),
    "free-recipient": Text("sends to wherever the caller wants", "可向任意接收方发送"),
    "unbounded-argument": Text("may have any length or size", "参数的长度或大小不受限制"),
    "all-powerful-role": Text("may use every tool", "该角色可使用全部工具"),
}
"""What each flaw of a policy means, by its code."""


def policy_of(subject: Subject) -> Policy:
    """The rules by tool.

    Raises `UnavailableError` without the register, and `DescriptionError` where a tool stands twice or there are too
    many to try.
    """
    entries = subject.register(ToolPolicy)
    twice = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if twice:
        raise _wrong(
            subject,
            Text(f"has several rules for the tool {twice[0]}", f"对工具 {twice[0]} 有多条规则"),
            Text("write one entry for each tool", "请为每个工具只写一条"),
        )
    if len(entries) > MOST_TOOLS:
        raise _wrong(
            subject,
            Text(
                f"has {len(entries)} tools, more than {MOST_TOOLS}", f"有 {len(entries)} 个工具，超过 {MOST_TOOLS} 个"
            ),
            Text("hand in those that one assistant has", "请只提交同一助手所用的工具"),
        )
    return {entry.name: _rule(entry) for entry in entries}


def _wrong(subject: Subject, what: Text, remedy: Text) -> DescriptionError:
    return DescriptionError([UserError(what, (subject.description.registers or {}).get(ToolPolicy.register), remedy)])


def flaws_of(policy: Policy) -> tuple[Metric, tuple[Note, ...]]:
    """How many flaws the policy has by itself, and which."""
    found = list(policy_flaws(policy))
    remarks = Remarks()
    for code, where in found:
        remarks.add(f"policy-{code}", where, FLAWS[code])
    metric = Metric(id="policy_flaws", unit="count", value=len(found), n=len(policy), better="lower")
    return metric, remarks.notes()


def _rule(entry: ToolPolicy) -> ToolRule:
    return ToolRule(
        name=entry.name,
        about=entry.does,
        effect=entry.effect,
        roles=tuple(entry.roles),
        arguments={name: _argument(rule) for name, rule in entry.arguments.items()},
        approval=entry.approval,
        calls=entry.calls,
        total=None if entry.total is None else (entry.total.argument, entry.total.most),
    )


def _argument(rule: ArgumentRule) -> Argument:
    same: dict[str, Any] = rule.model_dump()
    lists = {name: tuple(same[name]) for name in ("enum", "domains", "below")}
    return Argument(**{**same, **lists, "about": rule.about or ""})
