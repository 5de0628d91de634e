"""Whether a policy allows a call: every rule that the call breaks, by a short code.

A call is judged from what is on record alone, so that every verdict can be made again: on whose behalf it was, what
was carried out in the same conversation before, and what was approved by those who may.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from touchstone.methods.agents.embedding import harmless
from touchstone.methods.agents.patterns import matches, parse
from touchstone.methods.agents.policy import Argument, Call, Policy, Principal, ToolRule

HUGE = 1e300
DECODINGS = 2
"""Times that a path is decoded, as a careless server behind a careless proxy would."""


def breaches(
    policy: Policy, principal: Principal, call: Call, carried: Sequence[Call] = (), approved: Sequence[Call] = ()
) -> tuple[str, ...]:
    """Codes of all rules that the call breaks; none where it is allowed.

    `carried` are the calls of the same conversation that were carried out before, `approved` those that the approving
    role let pass for this user. An approval is of one tool with exactly these arguments, and is spent by one call.
    """
    rule = policy.get(call.tool)
    if rule is None:
        return ("undeclared-tool",)
    found = [] if principal.role in rule.roles else ["role"]
    found += argument_breaches(rule, principal, call.arguments)
    same = [each for each in carried if each.tool == rule.name]
    if rule.calls is not None and len(same) >= rule.calls:
        found.append("calls")
    if rule.total is not None:
        name, most = rule.total
        if sum(_amount(each.arguments.get(name)) for each in (*same, call)) > most:
            found.append("total")
    if rule.approval is not None and approved.count(call) <= same.count(call):
        found.append("approval")
    return tuple(found)


def argument_breaches(rule: ToolRule, principal: Principal, arguments: Mapping[str, Any]) -> list[str]:
    """Codes of all rules for arguments that are broken, each once."""
    found: dict[str, None] = {}
    if any(name not in rule.arguments for name in arguments):
        found["extra"] = None
    for name, argument in rule.arguments.items():
        if name in arguments:
            found.update(dict.fromkeys(_value_breaches(argument, principal, arguments[name])))
        elif argument.required:
            found["missing"] = None
    return list(found)


def _value_breaches(argument: Argument, principal: Principal, value: Any) -> Iterator[str]:
    if argument.max_items is None:
        yield from _item_breaches(argument, principal, value)
    elif not isinstance(value, list):
        yield "type"
    else:
        if len(value) > argument.max_items:
            yield "items"
        for item in value:
            yield from _item_breaches(argument, principal, item)


def _item_breaches(argument: Argument, principal: Principal, value: Any) -> Iterator[str]:
    if not _is(argument.type, value):
        yield "type"
        return
    if argument.enum and value not in argument.enum:
        yield "enum"
    if isinstance(value, str):
        yield from _text_breaches(argument, value)
        if argument.owner and value != principal.user:
            yield "owner"
    elif not isinstance(value, bool):
        low, high = argument.minimum, argument.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            yield "range"


def _text_breaches(argument: Argument, value: str) -> Iterator[str]:
    if len(value) < argument.min_length or (argument.max_length is not None and len(value) > argument.max_length):
        yield "length"
    if argument.pattern is not None and not matches(parse(argument.pattern), value):
        yield "pattern"
    if argument.domains and _host(value) not in {each.lower() for each in argument.domains}:
        yield "domain"
    if argument.below and not _lies_below(value, argument.below):
        yield "path"
    if argument.text_for is not None and not harmless(value, argument.text_for):
        yield "text"


def _is(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and (kind == "number" or value.is_integer()))


def _host(value: str) -> str | None:
    """Where an address leads; `None` where readers could disagree about it."""
    if any(sign.isspace() or sign in "\\,;" for sign in value) or value.count("@") > 1:
        return None
    if "://" not in value:  # a host, or somebody at one: whatever has a scheme or a path is a link that hides it
        return None if any(sign in value for sign in ":/?#") else value.rpartition("@")[2].lower()
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return None
    return host if parts.username is None and parts.password is None else None


def _lies_below(value: str, folders: Sequence[str]) -> bool:
    """Whether the path lies in one of the folders, however often it is decoded on its way."""
    for _ in range(DECODINGS + 1):
        if "\0" in value or "\\" in value or ".." in value.split("/") or not value.startswith("/"):
            return False
        whole = posixpath.normpath(value)
        if not any(whole.startswith(folder.rstrip("/") + "/") for folder in folders):
            return False
        value = unquote(value)
    return True


def _amount(value: Any) -> float:
    """What a value adds to a sum; whatever is no number has broken another rule. Beyond `HUGE`, sums end."""
    return float(max(min(value, HUGE), -HUGE)) if _is("number", value) else 0.0
