"""The chat interface: what is sent, what comes back, and a service that answers nonsense."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.system.test_generation_problems import opened
from touchstone.canonical import canonical_json
from touchstone.conversation import Conversation, Message, Reply, Tool, ToolCall, ask
from touchstone.errors import ArtifactError, BudgetSpentError, UnavailableError
from touchstone.system.models.chat import ChatService
from touchstone.system.models.http_connection import TOKEN_VARIABLE


class Service(ThreadingHTTPServer):
    """Answers every conversation with `answer`, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []
        self.answer: tuple[int, bytes] = completion({"content": "yes"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)))
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *said: object) -> None:
        pass


def completion(message: Any, reason: str = "stop", status: int = 200) -> tuple[int, bytes]:
    return status, json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def assistant(folder: Path, running: Service, **model: Any) -> ChatService:
    return opened(folder, endpoint=running.url, **model).assistant()


def test_a_conversation_is_sent_with_the_instructions_ahead(service: Service, tmp_path: Path) -> None:
    call = ToolCall("c1", "look_up", '{"name": "x"}')
    said = Conversation(
        (Message("user", "谁？"), Message("assistant", "", (call,)), Message("tool", "nobody", answers="c1")),
        (Tool("look_up", "finds people"),),
    )
    assert assistant(tmp_path, service).reply([said]) == [Reply("yes")]
    [(path, sent)] = service.asked
    assert (path, sent["model"], sent["temperature"]) == ("/v1/chat/completions", "counter", 0)
    assert [each["role"] for each in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["messages"][0]["content"] == "You work at the counter."
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "look_up", "arguments": '{"name": "x"}'}
    assert sent["messages"][3]["tool_call_id"] == "c1"
    assert sent["tools"][0]["function"]["name"] == "look_up"


def test_calls_of_tools_come_back_and_what_is_no_call_does_not(service: Service, tmp_path: Path) -> None:
    good = {"id": "1", "function": {"name": "pay", "arguments": "{}"}}
    odd = {"id": 2, "function": {"name": "pay", "arguments": {"to": "x"}}}
    calls = [good, odd, {"id": "3"}, {"function": {"name": 4}}, "pay", None]
    service.answer = completion({"content": None, "tool_calls": calls}, "tool_calls")
    [reply] = assistant(tmp_path, service).reply([ask("pay")])
    assert reply.text == ""
    assert reply.calls == (ToolCall("1", "pay", "{}"), ToolCall("2", "pay", '{"to": "x"}'))


def test_a_token_that_the_service_repeats_is_not_kept(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = {"name": "note", "arguments": '{"seen": "secret-token-0123456789"}'}
    message = {"content": "Hello, Bearer secret-token-0123456789!", "tool_calls": [{"id": "1", "function": function}]}
    service.answer = completion(message)
    monkeypatch.setenv(TOKEN_VARIABLE, "secret-token-0123456789")
    [reply] = assistant(tmp_path, service).reply([ask("?")])
    assert reply == Reply("Hello, Bearer (token)!", (ToolCall("1", "note", '{"seen": "(token)"}'),))
    monkeypatch.setenv(TOKEN_VARIABLE, "Hello")
    [reply] = assistant(tmp_path, service).reply([ask("?")])
    assert reply.text == message["content"], "a word of any answer is no secret"


def test_half_characters_can_be_kept_and_said_again(service: Service, tmp_path: Path) -> None:
    call = {"id": "\ud800", "function": {"name": "\udc00", "arguments": "\ud83d"}}
    service.answer = completion({"content": "a\ud800 \ud83d\ude00", "tool_calls": [call]})
    counter = assistant(tmp_path, service)
    [reply] = counter.reply([ask("a")])
    assert "\U0001f600" in reply.text
    canonical_json(
        [reply.text, *(part for each in reply.calls for part in (each.identifier, each.name, each.arguments))]
    )
    counter.reply([ask("a").answered(reply)])
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (completion({"content": "a"}, "length"), Reply("a", ending="cut-off")),
        (completion({"content": ""}, "content_filter"), Reply("", ending="filtered")),
        (completion({"refusal": "no"}), Reply("no")),
        ((400, b'{"error": {"code": "content_filter"}}'), Reply("", ending="filtered")),
    ],
)
def test_how_an_answer_ended_is_kept(service: Service, tmp_path: Path, answer: Any, reply: Reply) -> None:
    service.answer = answer
    assert assistant(tmp_path, service).reply([ask("a")]) == [reply]


def test_who_is_not_known_is_told_where_the_token_goes(service: Service, tmp_path: Path) -> None:
    service.answer = (401, b'{"error": "a valid bearer token is needed"}')
    with pytest.raises(ArtifactError) as error:
        assistant(tmp_path, service).reply([ask("a")])
    assert error.value.remedy is not None
    assert "TOUCHSTONE_ENDPOINT_TOKEN" in error.value.remedy.en


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b"{}"), "refused a conversation"),
        ((400, b'{"error": {"code": "bad"}}'), "refused a conversation"),
        ((400, b'{"error": {"code": [], "type": {}}}'), "refused a conversation"),
        ((200, b"hello"), "does not answer in the form"),
        ((200, b'{"choices": []}'), "does not answer in the form"),
        (completion({"content": ["part"]}), "content that is no text"),
    ],
)
def test_nonsense_is_an_error_that_says_what(service: Service, tmp_path: Path, answer: Any, said: str) -> None:
    service.answer = answer
    with pytest.raises(ArtifactError) as error:
        assistant(tmp_path, service).reply([ask("a")])
    assert said in error.value.what.en


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda a: (
            st.lists(a)
            | st.dictionaries(st.sampled_from(["choices", "message", "content", "tool_calls", "function", "name"]), a)
        ),
        max_leaves=12,
    )
)
def test_whatever_comes_back_is_a_reply_or_an_error(service: Service, tmp_path: Path, document: Any) -> None:
    service.answer = (200, json.dumps(document).encode())
    try:
        [reply] = assistant(tmp_path, service).reply([ask("a")])
    except ArtifactError:
        return
    assert isinstance(reply.text, str)


def test_the_budget_and_the_unguarded_form(service: Service, tmp_path: Path) -> None:
    subject = opened(tmp_path, endpoint=service.url, endpoint_queries=3)
    assert len(subject.assistant().reply([ask("a"), ask("b")])) == 2
    with pytest.raises(BudgetSpentError):
        subject.assistant().reply([ask("a"), ask("b")])
    subject.unguarded_assistant().reply([ask("a")])
    assert service.asked[-1][1]["model"] == "bare"
    assert subject.queries == 3
    with pytest.raises(UnavailableError, match="without its guards"):
        opened(tmp_path, endpoint=service.url, generation={}).unguarded_assistant()
