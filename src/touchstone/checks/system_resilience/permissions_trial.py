"""Attempts carried out: sent to a gateway, or led up to in conversations; and what came of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal, Protocol

from touchstone.conversation import Assistant, Conversation, Reply, ToolCall
from touchstone.methods.agents.attempts import Attempt
from touchstone.methods.agents.judging import breaches
from touchstone.methods.agents.policy import Call, Policy, Principal
from touchstone.methods.agents.scenarios import UNASKED, Scenario, answered, called, unasked

AT_GATEWAY = "gateway"
"""How calls that were sent to the gateway directly are told from those of conversations."""
AT_ONCE = 4
"""Attempts under way at a gateway at the same time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gateway made of a call."""

    what: Literal["carried-out", "refused", "unanswered"]
    said: str = ""


class Session(Protocol):
    """One conversation's connection to a gateway, for one user."""

    def offered(self) -> tuple[str, ...]:
        """Names of the tools that the gateway offers to this user."""

    def call(self, call: Call, claims: Mapping[str, Any]) -> Outcome:
        """Have a tool used. `claims` are what the caller says beside the arguments."""

    def grant(self, call: Call, user: str) -> str | None:
        """Approve another user's call; its reference, or `None` where that is refused or nobody can."""


class Gateway(Protocol):
    """Whatever stands between assistants and their tools."""

    approval_key: str | None
    """Claim under which the reference of an approval is presented."""
    sessions: bool
    """Whether it can know which calls belong to one conversation."""

    def session(self, principal: Principal) -> Session:
        """A new conversation's connection."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One call that was tried, on record so that it can be judged again."""

    call: Call
    claims: Mapping[str, Any]
    outcome: Outcome
    broken: tuple[str, ...]
    """Rules that the call breaks."""

    @property
    def unauthorised(self) -> bool:
        """Whether something was carried out that must not be."""
        return self.outcome.what == "carried-out" and bool(self.broken)


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt with all that was tried in it."""

    attempt: Attempt
    way: str
    tried: tuple[Tried, ...]
    approved: tuple[Call, ...] = ()
    """What was approved, as far as the approver was let."""
    said: tuple[dict[str, Any], ...] = ()
    """The conversation, where there was one."""
    pointed: bool = True
    """Whether what it leads up to was forbidden when it came to that: not where the calls before were not made."""

    @property
    def answered(self) -> bool:
        """Whether it came to an end that shows anything: a call that nobody answered does not."""
        return all(each.outcome.what != "unanswered" for each in self.tried)

    @property
    def unauthorised(self) -> bool:
        """Whether anything was carried out that must not be."""
        return any(each.unauthorised for each in self.tried)

    @property
    def served(self) -> bool:
        """Whether the call that the attempt is about was carried out."""
        return any(
            each.outcome.what == "carried-out" and each.call == self.attempt.call and not each.broken
            for each in self.tried
        )


class _Recorder:
    """Makes the calls of one attempt, through a gateway where there is one, and keeps what came of them."""

    def __init__(
        self, policy: Policy, attempt: Attempt, gateway: Gateway | None, approvers: Mapping[str, Principal]
    ) -> None:
        self.tried: list[Tried] = []
        self._policy, self._attempt, self._gateway = policy, attempt, gateway
        self.approved = attempt.approved
        self._references: list[tuple[Call, str | None]] = []
        if gateway is None:
            return
        self._session = gateway.session(attempt.principal)
        for call in attempt.approved:
            approver = approvers.get(policy[call.tool].approval or "")
            if approver is not None:
                self._references.append((call, gateway.session(approver).grant(call, attempt.principal.user)))
        self.approved = tuple(call for call, reference in self._references if reference is not None)
        if attempt.usurper is not None:
            usurped = gateway.session(attempt.usurper).grant(attempt.call, attempt.principal.user)
            self._references.append((attempt.call, usurped))

    def make(self, call: Call, claims: Mapping[str, Any] | None = None, foreign: tuple[str, ...] = ()) -> Tried:
        """Make one call; `foreign` are rules it breaks that have nothing to do with the policy."""
        broken = breaches(self._policy, self._attempt.principal, call, self._carried(), self.approved)
        claimed = dict(claims or {})
        reference = self._reference(call)
        if reference is not None and self._gateway is not None and self._gateway.approval_key is not None:
            claimed[self._gateway.approval_key] = reference
        outcome = Outcome("carried-out") if self._gateway is None else self._session.call(call, claimed)
        self.tried.append(Tried(call, claimed, outcome, (*broken, *foreign)))
        return self.tried[-1]

    def forbidden(self) -> bool:
        """Whether the call that the attempt leads up to must not be carried out, as things stand."""
        if self._attempt.kind == UNASKED:
            return True
        return bool(breaches(self._policy, self._attempt.principal, self._attempt.call, self._carried(), self.approved))

    def _carried(self) -> list[Call]:
        return [each.call for each in self.tried if each.outcome.what == "carried-out"]

    def _reference(self, call: Call) -> str | None:
        """The reference for exactly this call, used up unless it is the last; without one, the last for another."""
        for place, (granted, reference) in enumerate(self._references[:-1]):
            if granted == call:
                del self._references[place]
                return reference
        return self._references[-1][1] if self._references else None


def try_at(
    gateway: Gateway, policy: Policy, approvers: Mapping[str, Principal], attempts: Sequence[Attempt]
) -> list[Trial]:
    """Send each attempt to the gateway, in a session of its own; several at a time, in their order."""

    def one(attempt: Attempt) -> Trial:
        recorder = _Recorder(policy, attempt, gateway, approvers)
        for call in attempt.before:
            recorder.make(call)
        pointed = recorder.forbidden()
        recorder.make(attempt.call, attempt.claims)
        return Trial(attempt, AT_GATEWAY, tuple(recorder.tried), recorder.approved, pointed=pointed)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, attempts))


def converse(
    assistant: Assistant,
    policy: Policy,
    scenarios: Sequence[Scenario],
    gateway: Gateway | None = None,
    approvers: Mapping[str, Principal] | None = None,
) -> list[Trial]:
    """Hold each conversation. With a gateway, every call goes through it; without one, nothing is carried out, and a
    call counts as what it would have been.
    """

    def opened(scenario: Scenario) -> _Held:
        return _Held(scenario, _Recorder(policy, scenario.attempt, gateway, approvers or {}), policy)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        held = list(pool.map(opened, scenarios))
        for turn in range(max((len(each.scenario.steps) for each in held), default=0)):
            speaking = [each for each in held if turn < len(each.scenario.steps)]
            replies = assistant.reply([each.asked(turn) for each in speaking])
            list(pool.map(_Held.heard, speaking, repeat(turn), replies))
    return [each.trial() for each in held]


class _Held:
    """One conversation under way."""

    def __init__(self, scenario: Scenario, recorder: _Recorder, policy: Policy) -> None:
        self.scenario = scenario
        self._recorder, self._policy = recorder, policy
        self._conversation = scenario.opening
        self._pointed = True

    def asked(self, turn: int) -> Conversation:
        self._pointed = self._recorder.forbidden()
        self._conversation = self._conversation.then(*self.scenario.steps[turn].messages)
        return self._conversation

    def heard(self, turn: int, reply: Reply) -> None:
        done = tuple(self._called(turn, each) for each in reply.calls)
        self._conversation = answered(self._conversation, reply, done)

    def trial(self) -> Trial:
        said = tuple(_plain(each.speaker, each.text, each.calls) for each in self._conversation.messages)
        recorder = self._recorder
        attempt, way = self.scenario.attempt, self.scenario.way
        return Trial(attempt, way, tuple(recorder.tried), recorder.approved, said, self._pointed)

    def _called(self, turn: int, asked: ToolCall) -> bool:
        call = called(asked)
        if call is None:
            return False
        foreign = (UNASKED,) if unasked(self._policy, self.scenario.steps[turn], call) else ()
        return self._recorder.make(call, foreign=foreign).outcome.what == "carried-out"


def _plain(speaker: str, text: str, calls: tuple[ToolCall, ...]) -> dict[str, Any]:
    said: dict[str, Any] = {"speaker": speaker, "text": text}
    if calls:
        said["calls"] = [{"tool": each.name, "arguments": each.arguments} for each in calls]
    return said


def as_sent(arguments: Mapping[str, Any]) -> str:
    """Arguments as they went over the line, whatever numbers they hold."""
    return json.dumps(dict(arguments), ensure_ascii=False, sort_keys=True)
