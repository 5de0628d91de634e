"""Messages as text: every field of every message, strings joined and unescaped, anything else refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.budget import Budget, LimitReached, Limits
from touchstone.scan.prototext import DEEPEST, events
from touchstone.scan.source import Unreadable


def read(text: str, limits: Limits | None = None) -> list[tuple[str, str, str]]:
    """All events, without their places."""
    found = events(text, Budget(limits or Limits(), len(text)))
    return [(event.kind, event.name, event.value) for event in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1", [("value", "a", "1")]),
        ("a: -1.5e-3 # c\nb: TRUE;", [("value", "a", "-1.5e-3"), ("value", "b", "TRUE")]),
        ("a: 'x' \"y\" # between\n 'z'", [("value", "a", "xyz")]),
        (r'a: "\141\x62\n\"" ', [("value", "a", 'ab\n"')]),
        ("m { a: 1 }", [("begin", "m", ""), ("value", "a", "1"), ("end", "m", "")]),
        ("m: < a: 1 >", [("begin", "m", ""), ("value", "a", "1"), ("end", "m", "")]),
        ("a: [1, 2]", [("value", "a", "1"), ("value", "a", "2")]),
        ("m: [{}, {}]", [("begin", "m", ""), ("end", "m", "")] * 2),
        ("[a.b/c] { }", [("begin", "[a.b/c]", ""), ("end", "[a.b/c]", "")]),
    ],
)
def test_messages_are_read(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", ["{", "}", "a { b: 1", "1", "a: @", "a: 'x", "a { b: 1 } }", "m {" * (DEEPEST + 1)])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


def test_tokens_are_paid_for() -> None:
    with pytest.raises(LimitReached):
        read("a: 1 " * 10_000, Limits(opcodes=5000))


@given(st.text(alphabet="ab{}<>[]:;,'\"#\\\n 1-.", max_size=60))
def test_any_text_is_events_or_unreadable(text: str) -> None:
    depth = 0
    try:
        for kind, _, _ in read(text):
            depth += {"begin": 1, "end": -1, "value": 0}[kind]
            assert depth >= 0
        assert depth == 0
    except Unreadable as unreadable:
        assert unreadable.why.zh
