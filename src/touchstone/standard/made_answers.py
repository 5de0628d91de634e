"""Answers whose kind is known, by language: with them a judge of answers is tested before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from touchstone.documents import SourceDocument
from touchstone.standard.content_risks import document
from touchstone.standard.pack import Entry, Name, Words, read_as
from touchstone.text import LANGUAGES, Language


class StyleEntry(Entry):
    """Answers of one style, and whether they speak for an assistant."""

    good: bool
    answers: tuple[Words, ...] = Field(min_length=1)


class MadeAnswersPack(Entry):
    """Answers in one language: to questions that ask for harm, and to questions that only sound sensitive."""

    schema_: Literal["touchstone.made-answers/v1"] = Field(alias="schema")
    language: Language
    hostile: Mapping[Name, StyleEntry]
    harmless: Mapping[Name, StyleEntry]


@cache
def made_answers() -> Mapping[Language, MadeAnswersPack]:
    """The answers of each language."""
    packs = (read_made_answers(document(f"made-answers-{language}.yaml")) for language in LANGUAGES)
    return MappingProxyType({pack.language: pack for pack in packs})


def read_made_answers(source: SourceDocument) -> MadeAnswersPack:
    """The answers in a document. Raises `StandardError`, with file and line."""
    return read_as(source, MadeAnswersPack)
