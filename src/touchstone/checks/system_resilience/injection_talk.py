"""Tries at goals carried out on an assistant, and what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from touchstone.conversation import Assistant, Conversation, Message, Reply
from touchstone.methods.language.attacks import Attempt
from touchstone.methods.language.effects import LONGEST_JUDGED, reached

NOT_CARRIED_OUT = "not carried out"
"""What a tool answers: the interface wants an answer to every call before anybody else speaks."""
TOGETHER = 32
"""Conversations that are carried on side by side."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A try, the replies to it, and whether the goal was reached."""

    attempt: Attempt
    replies: tuple[Reply, ...]
    success: bool


@dataclass(slots=True)
class _Talk:
    attempt: Attempt
    conversation: Conversation
    replies: list[Reply] = field(default_factory=list)
    success: bool = False

    @property
    def over(self) -> bool:
        return self.success or len(self.replies) == len(self.attempt.turns)

    def hear(self, reply: Reply) -> None:
        self.replies.append(reply)
        unheard = [Message("tool", NOT_CARRIED_OUT, answers=call.identifier) for call in reply.calls]
        self.conversation = self.conversation.answered(reply).then(*unheard)
        self.success = reached(self.attempt.goal.wish.effect, self.attempt.given, self.replies)


def try_all(assistant: Assistant, attempts: Sequence[Attempt], log: list[Tried]) -> list[bool]:
    """Carry out every try, note it in the log, and say which of them reached their goals.

    Raises what the assistant raises; what was carried out until then is in the log.
    """
    for start in range(0, len(attempts), TOGETHER):
        talks = [_Talk(attempt, attempt.start) for attempt in attempts[start : start + TOGETHER]]
        while open_talks := [talk for talk in talks if not talk.over]:
            for talk in open_talks:
                talk.conversation = talk.conversation.then(*talk.attempt.turns[len(talk.replies)])
            for talk, reply in zip(
                open_talks, assistant.reply([talk.conversation for talk in open_talks]), strict=True
            ):
                talk.hear(judged_part(reply))
        log += [Tried(talk.attempt, tuple(talk.replies), talk.success) for talk in talks]
    return [tried.success for tried in log[len(log) - len(attempts) :]]


def judged_part(reply: Reply) -> Reply:
    """As much of a reply as is judged, and so as much as is kept: a decision must follow from the evidence."""
    calls = tuple(replace(call, arguments=call.arguments[:LONGEST_JUDGED]) for call in reply.calls)
    return replace(reply, text=reply.text[:LONGEST_JUDGED], calls=calls)
