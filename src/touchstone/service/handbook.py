"""What a clerk knows: subjects, what is to be said about each in answer to which questions, and in which words."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject. `names` are what it is called in any language; `answers` are by the name of an aspect."""

    names: tuple[str, ...]
    answers: Mapping[str, str | Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Handbook:
    """Subjects, and for every aspect of them the words that ask for it."""

    aspects: Mapping[str, tuple[str, ...]]
    entries: tuple[Entry, ...]
    sentences: Mapping[str, Mapping[str, str]]
    """By aspect and language, with `{name}` and `{value}` in them."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Handbook:
        """The handbook in a document of `aspects: {fee: [cost, …]}`, `sentences: {fee: {en: …, zh: …}}` and
        `entries: [{names: […], fee: …}]`, the first name English, the last Chinese; values may be by language.
        """
        aspects = {name: tuple(words) for name, words in document["aspects"].items()}
        entries = (
            Entry(tuple(each["names"]), {name: each[name] for name in aspects if name in each})
            for each in document["entries"]
        )
        return cls(aspects, tuple(entries), document["sentences"])

    def answer(self, question: str, language: str) -> str | None:
        """The answer to a question that names a subject and asks for one aspect of it; `None` for any other."""
        asked = plain(question)
        entry = _longest({name: entry for entry in self.entries for name in entry.names}, asked)
        aspect = _longest({word: name for name, words in self.aspects.items() for word in words}, asked)
        value = None if entry is None or aspect is None else entry.answers.get(aspect)
        if entry is None or aspect is None or value is None:
            return None
        said = value[language] if isinstance(value, Mapping) else value
        name = entry.names[-1 if language == "zh" else 0]
        return self.sentences[aspect][language].format(name=name, value=said)


def plain(text: str) -> str:
    """A text in one case, one width and with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _longest(named: Mapping[str, Value], text: str) -> Value | None:
    """What the longest of the words stands for that occur in a text."""
    found = [word for word in named if plain(word) in text]
    return named[max(found, key=len)] if found else None
