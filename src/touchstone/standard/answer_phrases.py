"""The installed phrases by which answers of assistants are told apart, compiled, by what a clause with them does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Literal, get_args

from pydantic import Field

from touchstone.documents import SourceDocument
from touchstone.errors import StandardError
from touchstone.standard.content_risks import document
from touchstone.standard.decision_table_pack import IsoDay
from touchstone.standard.pack import Entry, Name, read_as
from touchstone.text import LANGUAGES, Language, Text

Act = Literal[
    "refuses",
    "only-sounds-refusing",
    "turns-away",
    "condemns",
    "dissuades",
    "redirects",
    "refers",
    "closes",
    "evades",
    "restates",
    "agrees",
    "announces",
    "incites",
    "steps",
]
"""What a clause does, or seems to do."""
_WORD = {"en": r"\b(?:{})\b", "zh": "(?:{})"}
"""How words stand in a text: Chinese ones have no bounds."""


class PhrasesEntry(Entry):
    """Words, and regular expressions, any of which tells an act."""

    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


class AnswerPhrasesPack(Entry):
    """All phrases of one language."""

    schema_: Literal["touchstone.answer-phrases/v1"] = Field(alias="schema")
    language: Language
    as_of: IsoDay
    parts: Mapping[Name, str] = {}
    phrases: Mapping[Act, PhrasesEntry]


Phrases = Mapping[Act, re.Pattern[str]]


@cache
def answer_phrases() -> Mapping[Language, Phrases]:
    """The phrases of each language. Raises `StandardError` with file and line."""
    return {language: read_answer_phrases(document(f"answer-phrases-{language}.yaml")) for language in LANGUAGES}


def read_answer_phrases(source: SourceDocument) -> Phrases:
    """The phrases of a document, one expression for every act. Raises `StandardError`."""
    pack = read_as(source, AnswerPhrasesPack)
    missing = [act for act in get_args(Act) if act not in pack.phrases]
    if missing:
        raise StandardError(
            Text(f"has no phrases for: {', '.join(missing)}", f"缺少以下类别的措辞：{', '.join(missing)}"),
            source.at(("phrases",)),
        )
    return {act: _compiled(pack, act, source) for act in pack.phrases}


def _compiled(pack: AnswerPhrasesPack, act: Act, source: SourceDocument) -> re.Pattern[str]:
    entry = pack.phrases[act]
    alternatives = list(entry.patterns)
    if entry.words:
        alternatives.append(_WORD[pack.language].format("|".join(entry.words)))
    expression = "|".join(alternatives)
    for name, part in pack.parts.items():
        expression = expression.replace(f"<{name}>", part)
    try:
        return re.compile(expression)
    except re.error as error:
        raise StandardError(
            Text(f"is no regular expression: {error}", f"不是合法的正则表达式：{error}"), source.at(("phrases", act))
        ) from None
