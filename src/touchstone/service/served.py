"""What a service serves: something that says what it is and answers documents, whatever protocol they belong to."""

from __future__ import annotations

import json
from typing import Any, NoReturn, Protocol


class NoQuestion(Exception):  # noqa: N818 - an answer to the client, not an error of ours
    """What was sent is no legal question; the message is for the client and says nothing of the inside."""


class Served(Protocol):
    """One thing that is served."""

    @property
    def described_at(self) -> str:
        """Path at which it says what it is."""

    @property
    def asked_at(self) -> str:
        """Path to which questions are posted."""

    def description(self) -> dict[str, Any]:
        """What it says of itself."""

    def answer(self, body: bytes) -> dict[str, Any]:
        """The document that answers a question. Raises `NoQuestion`. Asked from several threads at a time."""


def strict_document(body: bytes) -> dict[str, Any]:
    """The JSON object in a body: UTF-8, each key once, no constants that JSON does not have. Raises `NoQuestion`."""

    def no_constant(constant: str) -> NoReturn:
        raise ValueError(constant)

    def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key occurs twice")
        return dict(pairs)

    try:
        document = json.loads(body.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=each_key_once)
    except (ValueError, RecursionError):
        raise NoQuestion("the body is no JSON document") from None
    if not isinstance(document, dict):
        raise NoQuestion("the body is no JSON object")
    return document
