"""What a tool policy leaves open by itself, before anything is tried: its flaws, tool by tool and role by role.

Sources: OWASP LLM06:2025 (excessive agency: functionality, permissions, autonomy); NIST SP 800-53 AC-5, AC-6.
"""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.methods.agents.policy import Argument, Effect, Policy, ToolRule

GRAVE: frozenset[Effect] = frozenset({"moves-money", "runs-code", "controls-device"})
"""Effects that cannot be taken back, or that can have any other effect."""
FEW_TOOLS = 3
"""A role that may use all of fewer tools is nothing remarkable."""


def policy_flaws(policy: Policy) -> Iterator[tuple[str, str]]:
    """Code of each flaw, with the tool, the argument (`tool.argument`) or the role that has it."""
    for rule in policy.values():
        yield from _of_tool(rule)
    roles = {role for rule in policy.values() for role in rule.roles}
    for role in sorted(roles):
        everything = all(role in rule.roles for rule in policy.values())
        if everything and len(roles) > 1 and len(policy) >= FEW_TOOLS:
            yield "all-powerful-role", role


def _of_tool(rule: ToolRule) -> Iterator[tuple[str, str]]:
    if rule.effect in GRAVE and rule.approval is None:
        yield "no-approval", rule.name
    if rule.approval in rule.roles:
        yield "approves-own-calls", rule.name
    if rule.effect == "moves-money" and rule.calls is None and rule.total is None:
        yield "unlimited", rule.name
    if rule.effect == "sends-outside" and not any(_leads_somewhere(each) for each in rule.arguments.values()):
        yield "free-recipient", rule.name
    for name, argument in rule.arguments.items():
        if not _bounded(argument):
            yield "unbounded-argument", f"{rule.name}.{name}"


def _leads_somewhere(argument: Argument) -> bool:
    return bool(argument.domains or argument.enum or argument.owner)


def _bounded(argument: Argument) -> bool:
    if argument.type == "boolean" or argument.enum or argument.owner:
        return True
    if argument.type == "string":
        return argument.max_length is not None or argument.pattern is not None or bool(argument.domains)
    return argument.minimum is not None and argument.maximum is not None
