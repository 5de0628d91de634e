"""The chat interface before an assistant: legal conversations arrive whole, everything else is refused."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.service.running import TOKEN, running
from tests.service.test_server import asked
from touchstone.conversation import Conversation, Reply, ToolCall
from touchstone.methods.abuse.leaks import leaks
from touchstone.methods.abuse.protocols import chat_document, chat_question
from touchstone.service.chat import Chat
from touchstone.service.served import NoQuestion


class Repeating:
    """Says what it was told last, and asks for the first tool it was offered."""

    def __init__(self) -> None:
        self.told: list[Conversation] = []

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        self.told += conversations
        return [
            Reply(each.messages[-1].text, tuple(ToolCall("1", tool.name, "{}") for tool in each.tools[:1]))
            for each in conversations
        ]


LEGAL: dict[str, Any] = {
    "model": "clerk",
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "几点开门？"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "hours", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "nine"},
    ],
    "tools": [{"type": "function", "function": {"name": "hours", "parameters": {"type": "object"}}}],
    "temperature": 0,
}


def test_a_conversation_arrives_whole_and_is_answered() -> None:
    assistant = Repeating()
    with running(served=Chat({"clerk": assistant})) as service:
        status, headers, body = asked(service, "POST", "/v1/chat/completions", json.dumps(LEGAL).encode())
        assert json.loads(asked(service, "GET", "/v1/models")[2])["data"][0]["id"] == "clerk"
        assert asked(service, "GET", "/v1/models", token=TOKEN + "x")[0] == 401
    [choice] = json.loads(body)["choices"]
    assert (status, choice["finish_reason"], choice["message"]["content"]) == (200, "tool_calls", "nine")
    assert not leaks(headers, body)
    [told] = assistant.told
    assert [message.speaker for message in told.messages] == ["system", "user", "assistant", "tool"]
    assert told.messages[2].calls == (ToolCall("c", "hours", "{}"),)
    assert told.messages[3].answers == "c"


class Slow:
    """Answers after a while."""

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        time.sleep(0.5)
        return [Reply("at last") for _ in conversations]


def test_conversations_do_not_wait_for_each_other() -> None:
    body = json.dumps(LEGAL).encode()
    with running(served=Chat({"clerk": Slow()})) as service, ThreadPoolExecutor(4) as pool:
        begun = time.monotonic()
        answers = list(pool.map(lambda _: asked(service, "POST", "/v1/chat/completions", body)[0], range(4)))
    assert answers == [200] * 4
    assert time.monotonic() - begun < 1.9


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"model": ["clerk"]},
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "root", "content": "a"}]},
        {"messages": [{"role": "user", "content": 3}]},
        {"messages": [{"role": "user", "content": "a", "tool_calls": [{}]}]},
        {"messages": [{"role": "tool", "content": "a"}]},
        {"messages": [{"role": "user", "content": "a", "tool_call_id": "c"}]},
        {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"name": 1}}]}]},
        {"tools": [{"type": "function", "function": {}}]},
        {"tools": {}},
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"properties": 7}}}]},
        {"temperature": 3},
        {"temperature": True},
        {"max_tokens": -1},
        {"stream": True},
        {"user": 7},
    ],
)
def test_what_is_not_exactly_a_question_is_refused(changes: dict[str, Any]) -> None:
    chat = Chat({"clerk": Repeating()})
    chat.answer(json.dumps(LEGAL).encode())
    with pytest.raises(NoQuestion):
        chat.answer(json.dumps(LEGAL | changes).encode())


def test_every_malformed_document_of_the_endpoint_check_is_refused() -> None:
    chat = Chat({"clerk": Repeating()})
    legal = chat_document("clerk", "hello")
    chat.answer(json.dumps(legal).encode())
    for hostile in chat_question("/v1/chat/completions", legal).hostile_bodies():
        if not hostile.lenient:
            with pytest.raises(NoQuestion):
                chat.answer(hostile.content)
