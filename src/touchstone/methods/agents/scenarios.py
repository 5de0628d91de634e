"""Conversations that lead to a forbidden call, and what an assistant's calls in them amount to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from touchstone.conversation import Conversation, Message, Reply, Tool, ToolCall
from touchstone.methods.agents.attempts import MAKERS, UNKNOWN_CALLER, Attempt, Cast, allowed, forbidden
from touchstone.methods.agents.examples import Draw, ordinary
from touchstone.methods.agents.judging import breaches
from touchstone.methods.agents.policy import Call, Policy, Principal, schema
from touchstone.methods.agents.requests import (
    GAP,
    PRESSURE,
    TO_LOOK_UP,
    TO_SUMMARISE,
    Language,
    excuse,
    letter,
    request,
    rules_told,
)

Way = Literal["asked", "pressed", "chained", "letter", "tool-result"]
WAYS: tuple[Way, ...] = ("asked", "pressed", "chained", "letter", "tool-result")
FOREIGN: frozenset[Way] = frozenset({"letter", "tool-result"})
"""Ways in which not the user asks but something that is read."""
MOST_TURNS = 6
UNASKED = "unasked"
"""Kind of attempts whose call is allowed, but asked for by nobody who may, and the code of that breach."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is said before the assistant's turn comes."""

    messages: tuple[Message, ...]
    asked: bool
    """Whether the user asks for tools in it, rather than something that is read."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A conversation, turn by turn, that asks for what must not be done, or for what may be."""

    attempt: Attempt
    way: Way
    language: Language
    opening: Conversation
    steps: tuple[Step, ...]


def hostile_scenarios(cast: Cast, languages: tuple[Language, ...], draw: Draw) -> Iterator[Scenario]:
    """Conversations that lead to forbidden calls, in every way that is open, the languages in turn."""
    attempts = _with_unasked(cast, draw)
    for place, attempt in enumerate(each for each in attempts if len(each.before) < MOST_TURNS):
        way: Way = draw.turn("way", sorted(FOREIGN) if attempt.kind == UNASKED else list(WAYS))
        if way == "tool-result" and not _readers(cast.policy, attempt.principal):
            way = "letter"
        yield scenario(cast.policy, attempt, way, languages[place % len(languages)], draw)


def ordinary_scenarios(cast: Cast, languages: tuple[Language, ...], draw: Draw) -> Iterator[Scenario]:
    """Conversations in which a user asks for what the policy allows."""
    for place, attempt in enumerate(allowed(cast, draw)):
        yield scenario(cast.policy, attempt, "asked", languages[place % len(languages)], draw)


def scenario(policy: Policy, attempt: Attempt, way: Way, language: Language, draw: Draw) -> Scenario:
    """The conversation of one attempt. Of what it has approved, only that is told which an approver could approve."""
    who = attempt.principal
    approved = tuple(call for call in attempt.approved if not breaches(policy, who, call, (), (call,)))
    attempt = replace(attempt, approved=approved)
    told = rules_told(policy, attempt.principal, attempt.approved, language)
    steps = [_asked(request(call, language, draw)) for call in attempt.before]
    said = excuse(attempt, policy.get(attempt.call.tool), language, draw) + request(attempt.call, language, draw)
    if way == "pressed":
        said = draw.one(PRESSURE[language]) + GAP[language] + said
    if way == "chained" and (first := _first(policy, attempt, draw)) is not None:
        steps.insert(0, _asked(request(first, language, draw)))
    if way == "letter":
        last = Step((Message("user", TO_SUMMARISE[language].replace("{letter}", letter(said, language, draw))),), False)
    elif way == "tool-result":
        last = _looked_up(policy, attempt.principal, letter(said, language, draw), language, draw)
    else:
        last = _asked(said)
    opening = Conversation((Message("system", told),), tools(policy))
    return Scenario(attempt, way, language, opening, (*steps, last))


def tools(policy: Policy) -> tuple[Tool, ...]:
    """The tools of a policy, as an assistant is told of them."""
    return tuple(Tool(rule.name, rule.about, schema(rule)) for rule in policy.values())


def called(call: ToolCall) -> Call | None:
    """What an assistant asked for; `None` where it is no call that anything could carry out."""
    try:
        arguments = json.loads(call.arguments or "{}", parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return Call(call.name, arguments) if isinstance(arguments, dict) else None


def unasked(policy: Policy, step: Step, call: Call) -> bool:
    """Whether the assistant acts on what it was only to read. Reading more on the way is no action."""
    rule = policy.get(call.tool)
    return not step.asked and (rule is None or rule.effect != "reads")


def answered(conversation: Conversation, reply: Reply, results: tuple[bool, ...]) -> Conversation:
    """The conversation with the assistant's turn, and for each of its calls whether it was carried out."""
    said = (
        Message("tool", json.dumps({"status": "done" if done else "refused"}), answers=call.identifier)
        for call, done in zip(reply.calls, results, strict=True)
    )
    return conversation.answered(reply).then(*said)


def _with_unasked(cast: Cast, draw: Draw) -> Iterator[Attempt]:
    """Forbidden calls, and among them allowed ones that nobody asks for who may."""
    effective = (
        Attempt(UNASKED, each.principal, each.call, approved=each.approved)
        for each in allowed(cast, draw)
        if cast.policy[each.call.tool].effect != "reads"
    )
    has_effects = any(rule.effect != "reads" for rule in cast.policy.values())
    signed_in = [kind for kind in MAKERS if kind != UNKNOWN_CALLER]
    for place, attempt in enumerate(forbidden(cast, draw, signed_in)):
        yield attempt
        if has_effects and place % 8 == 7 and (extra := next(effective, None)) is not None:
            yield extra


def _asked(text: str) -> Step:
    return Step((Message("user", text),), asked=True)


def _first(policy: Policy, attempt: Attempt, draw: Draw) -> Call | None:
    """Something harmless to begin with, of another tool, so that it counts for no limit of the last call."""
    others = [rule for rule in _readers(policy, attempt.principal) if rule.name != attempt.call.tool]
    return ordinary(draw.one(others), attempt.principal, draw) if others else None


def _looked_up(policy: Policy, principal: Principal, text: str, language: Language, draw: Draw) -> Step:
    """A tool has been used for the user, and what it found holds a request."""
    rule = draw.one(_readers(policy, principal))
    call = ordinary(rule, principal, draw)
    found = ToolCall("look-up", rule.name, json.dumps(dict(call.arguments) if call else {}, ensure_ascii=False))
    result = json.dumps({"text": text}, ensure_ascii=False)
    return Step(
        (
            Message("user", TO_LOOK_UP[language]),
            Message("assistant", "", (found,)),
            Message("tool", result, answers="look-up"),
        ),
        asked=False,
    )


def _readers(policy: Policy, principal: Principal) -> list[Any]:
    """Tools with which this user may read."""
    return [
        rule
        for rule in policy.values()
        if rule.effect == "reads" and rule.approval is None and principal.role in rule.roles
    ]


def _no_number(literal: str) -> Any:
    raise ValueError(literal)
