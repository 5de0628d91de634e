"""The chat interface of OpenAI, read strictly, before any assistant.

One service may have several assistants; a question names the one it is for. Nothing of a question is repeated in an
error.

Source: https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from touchstone.conversation import Assistant, Conversation, Message, Reply, Speaker, Tool, ToolCall
from touchstone.service.served import NoQuestion, strict_document

SPEAKERS = frozenset({"system", "user", "assistant", "tool"})
FIELDS = frozenset(
    {"model", "messages", "tools", "temperature", "seed", "max_tokens", "max_completion_tokens", "top_p", "user"}
)
MOST_MESSAGES, MOST_TOOLS = 200, 64
ENDINGS = {"complete": "stop", "cut-off": "length", "filtered": "content_filter"}


@dataclass(frozen=True, slots=True)
class Chat:
    """Assistants by the names under which they are asked for; each may be asked several questions at a time."""

    assistants: Mapping[str, Assistant]

    @property
    def described_at(self) -> str:
        """Path of the list of models."""
        return "/v1/models"

    @property
    def asked_at(self) -> str:
        """Path of the questions."""
        return "/v1/chat/completions"

    def description(self) -> dict[str, Any]:
        """The list of models."""
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in self.assistants]}

    def answer(self, body: bytes) -> dict[str, Any]:
        """The next turn of the conversation in `body`. Raises `NoQuestion`."""
        document = strict_document(body)
        if set(document) - FIELDS:
            raise NoQuestion("there are fields that mean nothing here")
        name = document.get("model")
        if not isinstance(name, str) or name not in self.assistants:
            raise NoQuestion("there is no such model")
        _numbers(document)
        [reply] = self.assistants[name].reply([_conversation(document)])
        return {"object": "chat.completion", "model": name, "choices": [_choice(reply)]}


def _numbers(document: Mapping[str, Any]) -> None:
    """Settings that this service has no use for, but that have to be what they say."""
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1)):
        value = document.get(name, low)
        if type(value) not in (int, float) or not low <= value <= high:
            raise NoQuestion(f"{name} is a number from {low} to {high}")
    for name in ("seed", "max_tokens", "max_completion_tokens"):
        value = document.get(name, 1)
        if type(value) is not int or not 0 <= value < 2**53:
            raise NoQuestion(f"{name} is a whole number")
    if not isinstance(document.get("user", ""), str):
        raise NoQuestion("user is a text")


def _conversation(document: Mapping[str, Any]) -> Conversation:
    messages, tools = document.get("messages"), document.get("tools", [])
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST_MESSAGES:
        raise NoQuestion(f"messages is a list of 1 to {MOST_MESSAGES} messages")
    if not isinstance(tools, list) or len(tools) > MOST_TOOLS:
        raise NoQuestion(f"tools is a list of at most {MOST_TOOLS}")
    return Conversation(tuple(_message(each) for each in messages), tuple(_tool(each) for each in tools))


def _message(found: object) -> Message:
    if not isinstance(found, dict) or set(found) - {"role", "content", "tool_calls", "tool_call_id", "name"}:
        raise NoQuestion("a message has a role and a content")
    speaker, content, calls = found.get("role"), found.get("content"), found.get("tool_calls", [])
    if not isinstance(speaker, str) or speaker not in SPEAKERS:
        raise NoQuestion("the role is one of system, user, assistant, tool")
    if calls and speaker != "assistant":
        raise NoQuestion("only an assistant calls tools")
    if content is None and calls:
        content = ""
    if not isinstance(content, str) or not isinstance(calls, list) or not isinstance(found.get("name", ""), str):
        raise NoQuestion("content is a text, tool_calls a list")
    answers = found.get("tool_call_id")
    if (speaker == "tool") != isinstance(answers, str):
        raise NoQuestion("a message of a tool, and no other, names the call that it answers")
    return Message(cast("Speaker", speaker), content, tuple(_call(each) for each in calls), answers)


def _call(found: object) -> ToolCall:
    function = found.get("function") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(function, dict):
        raise NoQuestion("a call has an id and a function")
    identifier, name, arguments = found.get("id"), function.get("name"), function.get("arguments")
    if not (isinstance(identifier, str) and isinstance(name, str) and isinstance(arguments, str)):
        raise NoQuestion("id, name and arguments of a call are texts")
    return ToolCall(identifier, name, arguments)


def _tool(found: object) -> Tool:
    function = found.get("function") if isinstance(found, dict) and found.get("type") == "function" else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise NoQuestion("a tool is of type function, and has a name")
    about, parameters = function.get("description", ""), function.get("parameters", {})
    if not isinstance(about, str) or not isinstance(parameters, dict):
        raise NoQuestion("the description of a tool is a text, its parameters an object")
    if not isinstance(parameters.get("properties", {}), dict):
        raise NoQuestion("the properties of parameters are an object")
    return Tool(function["name"], about, parameters)


def _choice(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {"id": call.identifier, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    reason = "tool_calls" if reply.calls else ENDINGS[reply.ending]
    return {"index": 0, "message": message, "finish_reason": reason}
