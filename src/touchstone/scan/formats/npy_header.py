"""The literals of Python that numpy writes into its headers, read by a grammar of our own.

Texts, integers, booleans, None, tuples, lists and dictionaries with texts for keys; nothing is evaluated.
"""

from __future__ import annotations

import re
from typing import Final

Literal = str | int | bool | None | tuple["Literal", ...] | list["Literal"] | dict[str, "Literal"]

_DEEPEST: Final = 32
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<colon>:)"
    r"|(?P<number>-?\d{1,20})[lL]?(?![\w.])"
    r"|[uUbB]?(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<word>True|False|None)\b)"
)
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_WORDS: Final = {"True": True, "False": False, "None": None}
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")


class NotPlain(Exception):  # noqa: N818 - an answer about hostile text
    """The text is no literal of the kinds that numpy writes."""


class DeepHeader(Exception):  # noqa: N818 - an answer about hostile text
    """The text is nested beyond reason."""


def parse_literal(text: str) -> Literal:
    """The value that a text is, as a whole. Raises `NotPlain` or `DeepHeader`."""
    parser = _Parser(text)
    value = parser.value(0)
    if text[parser.at :].strip(" \n\t\x00"):
        raise NotPlain(f"more follows at character {parser.at}")
    return value


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _next(self) -> re.Match[str]:
        token = _TOKEN.match(self.text, self.at)
        if token is None:
            raise NotPlain(f"character {self.at}")
        self.at = token.end()
        return token

    def _may_take(self, kind: str) -> bool:
        token = _TOKEN.match(self.text, self.at)
        if token is None or token.lastgroup != kind:
            return False
        self.at = token.end()
        return True

    def value(self, depth: int) -> Literal:
        """The value that begins here."""
        if depth > _DEEPEST:
            raise DeepHeader
        token = self._next()
        kind, content = token.lastgroup, token[token.lastgroup or 0]
        if kind == "number":
            return int(content)
        if kind == "word":
            return _WORDS[content]
        if kind == "text":
            return _ESCAPE.sub(_unescaped, content[1:-1])
        if kind != "open":
            raise NotPlain(f"character {self.at}")
        if content == "{":
            return self._dictionary(depth)
        return self._sequence(content, depth)

    def _at_closing(self, opening: str) -> bool:
        token = _TOKEN.match(self.text, self.at)
        if token is None or token.lastgroup != "close":
            return False
        if token["close"] != _CLOSING[opening]:
            raise NotPlain(f"character {self.at}")
        self.at = token.end()
        return True

    def _sequence(self, opening: str, depth: int) -> Literal:
        values: list[Literal] = []
        separated = True
        while not self._at_closing(opening):
            if not separated:
                raise NotPlain(f"character {self.at}")
            values.append(self.value(depth + 1))
            separated = self._may_take("comma")
        if opening == "[":
            return values
        return values[0] if len(values) == 1 and not separated else tuple(values)

    def _dictionary(self, depth: int) -> Literal:
        entries: dict[str, Literal] = {}
        separated = True
        while not self._at_closing("{"):
            key = self.value(depth + 1) if separated else None
            if not isinstance(key, str) or key in entries or not self._may_take("colon"):
                raise NotPlain(f"character {self.at}")
            entries[key] = self.value(depth + 1)
            separated = self._may_take("comma")
        return entries


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) > 1:
        number = int(escape[1:], 16)
        return chr(number) if number < 0x110000 else "\N{REPLACEMENT CHARACTER}"
    return {"n": "\n", "t": "\t", "r": "\r"}.get(escape, escape)
