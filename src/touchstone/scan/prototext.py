"""Protocol-buffer messages written as text, read as a stream of events.

Source: https://protobuf.dev/reference/protobuf/textformat-spec/.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from touchstone.scan.budget import Budget
from touchstone.scan.source import Unreadable
from touchstone.text import Text

DEEPEST: Final = 100

_TOKEN: Final = re.compile(
    r"""[\s,;:]+|\#[^\n]*
    |(?P<field>[A-Za-z_]\w*|\[[\w.\-/]+\])(?=\s*[:{<])
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<begin>[{<])|(?P<end>[}>])|[\[\]]
    |(?P<word>[\w.+\-]+)""",
    re.VERBOSE | re.DOTALL,
)
"""A name is that of a field when a colon or a message follows; else it is a value, as numbers and texts are."""


@dataclass(frozen=True, slots=True)
class Event:
    """A message begins or ends, or a field has a value."""

    kind: Literal["begin", "end", "value"]
    name: str
    value: str
    """Texts without their quotes."""
    offset: int
    """In characters."""


def events(text: str, budget: Budget) -> Iterator[Event]:
    """All messages and fields in the order written. Raises `Unreadable` where the text is not the format."""
    open_messages: list[str] = []
    name = ""
    for met, (kind, written, offset) in enumerate(_tokens(text)):
        if met % 1024 == 0:
            budget.spend_opcodes(1024)
        match kind:
            case "field":
                name = written
            case "begin" if name and len(open_messages) < DEEPEST:
                open_messages.append(name)
                yield Event("begin", name, "", offset)
                name = ""
            case "end" if open_messages:
                # In a list of messages, the next one has the same name.
                name = open_messages.pop()
                yield Event("end", name, "", offset)
            case "text" | "word" if name:
                yield Event("value", name, written, offset)
            case _:
                raise _damaged(offset)
    if open_messages:
        raise _damaged(len(text))


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, content and place. Texts that follow one another are one, as they are to every parser."""
    position, start = 0, 0
    pieces: list[str] = []
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise _damaged(position)
        kind = found.lastgroup
        if kind == "text":
            start = start if pieces else position
            pieces.append(_plain(found.group()))
        elif kind is not None:
            if pieces:
                yield "text", "".join(pieces), start
                pieces.clear()
            yield kind, found.group(), position
        position = found.end()
    if pieces:
        yield "text", "".join(pieces), start


def _plain(quoted: str) -> str:
    """A text without quotes and escapes."""
    try:
        return str(ast.literal_eval(quoted))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return quoted[1:-1]


def _damaged(offset: int) -> Unreadable:
    return Unreadable(
        Text(
            f"is not a well-formed text message from character {offset}",
            f"自第 {offset} 个字符起不是格式正确的文本消息",
        )
    )
