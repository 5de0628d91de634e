"""Assistants behind a service that speaks the chat interface of OpenAI, as vLLM, llama.cpp, Ollama and others do too.

The service is asked for its likeliest answer (temperature 0) and told a seed, which is as repeatable as a service can
be made from outside. A service that holds an answer back (HTTP 400 with the code `content_filter`, or that reason for
stopping) has answered: its reply is empty and says so. What comes back is parsed as hostile input.

Source: the chat completions of the OpenAI API, https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from touchstone.conversation import Conversation, Message, Reply, Tool, ToolCall
from touchstone.errors import ArtifactError, UnavailableError
from touchstone.system.models.http_connection import TOKEN_VARIABLE, Limits, Line, Request, endpoint_problem
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.models.http_ledger import RequestLedger
    from touchstone.system.subject import Subject

PATH = "/v1/chat/completions"
LARGEST_ANSWER = 4 * 1024**2
"""Bytes of one answer."""
LONGEST_TEXT = 200_000
"""Characters of a reply that are looked at."""
LONGEST_NAME = 200
"""Characters of the name of a tool and of the identifier of a call."""
MOST_CALLS = 64
FILTERED = "content_filter"
_FORM = Text(
    "check that the service speaks the chat interface and knows the model's name",
    "请确认服务支持对话接口，且模型名称正确",
)
_TOKEN = Text(
    f"give its bearer token in the environment as {TOKEN_VARIABLE}; it is sent over TLS and loopback only",
    f"请通过环境变量 {TOKEN_VARIABLE} 提供令牌；仅经 TLS 或本机回环发送",
)
_ENDINGS: Mapping[str, Literal["complete", "cut-off", "filtered"]] = {"length": "cut-off", FILTERED: "filtered"}


def open_assistant(subject: Subject, *, guarded: bool = True) -> ChatService:
    """The assistant of a generating system, told its own instructions where those are handed in.

    Without `guarded`, the same model without its guards. Raises `UnavailableError` when the system generates nothing,
    or no such form is declared, and `DescriptionError` for an unusable endpoint.
    """
    model = subject.description.model
    if model.task != "generation":
        raise UnavailableError(
            Text("this system generates no texts", "该系统不生成文本"),
            "model.task",
            Text("this check is for systems of `task: generation`", "本检查项适用于 `task: generation` 的系统"),
        )
    if model.endpoint is None or model.endpoint_model is None:
        raise endpoint_problem(Text("endpoint or endpoint_model is missing", "缺少 endpoint 或 endpoint_model"))
    declared = model.generation
    unguarded = declared.unguarded_model if declared else None
    if not guarded and unguarded is None:
        raise UnavailableError(
            Text("no form of the model without its guards is declared", "未声明不带防护的同一模型"),
            "model.generation.unguarded_model",
            Text("name the model at the endpoint that has none", "请填写该服务上不带防护的模型名称"),
        )
    instructions = None
    if declared is not None and declared.instructions is not None:
        instructions = _text(subject.read(declared.instructions), declared.instructions)
    limits = Limits(largest_answer=LARGEST_ANSWER, timeout=120.0, queries=model.endpoint_queries)
    name = model.endpoint_model if guarded else str(unguarded)
    tokens = declared.answer_tokens if declared else None
    return ChatService(Line(model.endpoint, limits), name, instructions, tokens)


class ChatService:
    """An assistant that answers over the network."""

    def __init__(self, line: Line, name: str, instructions: str | None, tokens: int | None) -> None:
        self._line, self._name, self._tokens = line, name, tokens
        self._start = () if instructions is None else (Message("system", instructions),)

    @property
    def queries(self) -> int:
        """Conversations answered so far."""
        return int(self.ledger.summary()["samples_sent"])

    @property
    def ledger(self) -> RequestLedger:
        """Counts of all requests, and what is left of the budget."""
        return self._line.ledger

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        """One reply to each conversation, several requests under way at a time.

        Raises `ArtifactError` where the service cannot be reached, refuses, or answers in another form, and
        `BudgetSpentError`, before anything is sent, when the query budget does not suffice for all.
        """
        requests = [Request("POST", PATH, 1, partial(self._body, each)) for each in conversations]
        return [self._reply(*said) for said in self._line.ask(requests)]

    def _body(self, conversation: Conversation) -> bytes:
        document: dict[str, Any] = {
            "model": self._name,
            "messages": [_message(each) for each in (*self._start, *conversation.messages)],
            "temperature": 0,
            "seed": 0,
        }
        if self._tokens is not None:
            document["max_tokens"] = self._tokens
        if conversation.tools:
            document["tools"] = [_tool(each) for each in conversation.tools]
        return json.dumps(document, ensure_ascii=False).encode()

    def _reply(self, status: int, body: bytes) -> Reply:
        document = _parsed(body)
        if status == 400 and _mentions_filter(document):
            return Reply("", ending="filtered")
        if status != 200:
            refused = Text(f"refused a conversation (HTTP {status})", f"拒绝了一次对话（HTTP {status}）")
            raise self._fault(refused, _TOKEN if status in (401, 403) else None)
        choices = document.get("choices") if isinstance(document, dict) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            raise self._fault(
                Text("does not answer in the form of the chat interface", "应答不符合对话接口的格式"),
            )
        text = message.get("content") or message.get("refusal") or ""
        if not isinstance(text, str):
            raise self._fault(Text("answers with content that is no text", "应答内容不是文本"))
        ending = _ENDINGS.get(str(choice.get("finish_reason")), "complete")
        cleared = self._line.without_token
        calls = [replace(each, arguments=cleared(each.arguments)) for each in _calls(message.get("tool_calls"))]
        return Reply(_characters(cleared(text), LONGEST_TEXT), tuple(calls), ending)

    def _fault(self, what: Text, remedy: Text | None = None) -> ArtifactError:
        return ArtifactError(what, self._line.where, remedy or _FORM)


def _message(message: Message) -> dict[str, Any]:
    document: dict[str, Any] = {"role": message.speaker, "content": message.text}
    if message.calls:
        document["tool_calls"] = [
            {"id": call.identifier, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    if message.answers is not None:
        document["tool_call_id"] = message.answers
    return document


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.about, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _calls(found: object) -> list[ToolCall]:
    """The calls of a reply; what is not exactly a call asks for nothing."""
    calls = []
    for place, each in enumerate(found[:MOST_CALLS] if isinstance(found, list) else ()):
        function = each.get("function") if isinstance(each, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            continue
        arguments = function.get("arguments", "")
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        identifier = _characters(str(each.get("id") or f"call-{place}"), LONGEST_NAME)
        name = _characters(function["name"], LONGEST_NAME)
        calls.append(ToolCall(identifier, name, _characters(written, LONGEST_TEXT)))
    return calls


def _characters(text: str, most: int) -> str:
    """The first characters of a text. Half a pair, which JSON can write, is none: nothing could keep or send it."""
    return text[:most].encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _mentions_filter(document: object) -> bool:
    error = document.get("error") if isinstance(document, dict) else None
    return isinstance(error, dict) and FILTERED in (error.get("code"), error.get("type"))


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ArtifactError(
            Text("is not UTF-8 text", "不是 UTF-8 文本"), where, Text("save it as UTF-8", "请以 UTF-8 保存")
        ) from None
