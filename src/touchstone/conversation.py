"""What is said to an assistant that writes text, and what it answers.

Plain records, so that attacks can be made and judged without knowing what answers: a service, or a few lines of code
that a test of the test is made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

Speaker = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An assistant asks for a tool. Nothing has been carried out by that."""

    identifier: str
    name: str
    arguments: str
    """As the assistant wrote them: JSON, if it is one."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    speaker: Speaker
    text: str
    calls: tuple[ToolCall, ...] = ()
    """What an assistant asked for in this turn."""
    answers: str | None = None
    """Of a tool: the identifier of the call that this answers."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that an assistant is told of."""

    name: str
    about: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON Schema of its arguments."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What an assistant is given: all that was said so far, and the tools it may ask for."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()

    def then(self, *messages: Message) -> Conversation:
        """The conversation gone on with."""
        return replace(self, messages=(*self.messages, *messages))

    def answered(self, reply: Reply) -> Conversation:
        """The conversation with the assistant's turn added."""
        return self.then(Message("assistant", reply.text, reply.calls))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the assistant says in its turn."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    ending: Literal["complete", "cut-off", "filtered"] = "complete"
    """Whether it came to its end, to the length that was granted, or was held back by a filter of the service."""


class Assistant(Protocol):
    """Whatever answers conversations."""

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        """One reply to each conversation, in their order. The conversations have nothing to do with each other."""


def ask(text: str) -> Conversation:
    """A conversation that begins with a question of its user."""
    return Conversation((Message("user", text),))
