"""The installed lexicons of content: which words of a language point to which risk, and in which context not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from touchstone.documents import SourceDocument
from touchstone.standard.catalog import unknown
from touchstone.standard.content_risks import ContentRisks, content_risks, document
from touchstone.standard.decision_table_pack import IsoDay
from touchstone.standard.pack import Entry, Name, Words, read_as
from touchstone.text import LANGUAGES, Text

WordList = tuple[Words, ...]


class LexiconEntry(Entry):
    """One topic: terms and patterns of named lists of words, but for named contexts and longer words."""

    risk: Name
    hazard: Name | None = None
    terms: WordList = ()
    patterns: tuple[tuple[Name, ...], ...] = ()
    within: int | None = Field(None, ge=1, le=200)
    """Most characters between the words of a pattern, where not as usual in the language."""
    unless: tuple[Name, ...] = ()
    compounds: tuple[Name, ...] = ()


class LexiconPack(Entry):
    """All topics of one language."""

    schema_: Literal["touchstone.content-lexicon/v1"] = Field(alias="schema")
    language: Literal["en", "zh"]
    as_of: IsoDay
    within: int = Field(ge=1, le=200)
    words: Mapping[Name, WordList]
    lexicons: Mapping[Name, LexiconEntry]


class OrdinarySentences(Entry):
    """What a search may not report, by language."""

    schema_: Literal["touchstone.ordinary-sentences/v1"] = Field(alias="schema")
    en: WordList
    zh: WordList


@cache
def content_lexicons() -> tuple[LexiconPack, ...]:
    """One pack for each language. Raises `StandardError`, with file and line, where parts do not fit together."""
    return tuple(read_lexicon(document(f"lexicon-{language}.yaml"), content_risks()) for language in LANGUAGES)


@cache
def ordinary_sentences() -> WordList:
    """Sentences of both languages on the subjects of the lexicons, in which nothing is amiss."""
    sentences = read_as(document("ordinary.yaml"), OrdinarySentences)
    return (*sentences.en, *sentences.zh)


def read_lexicon(source: SourceDocument, risks: ContentRisks) -> LexiconPack:
    """The lexicons in a document, whose references lead somewhere. Raises `StandardError`."""
    pack = read_as(source, LexiconPack)
    for name, lexicon in pack.lexicons.items():
        at = ("lexicons", name)
        if lexicon.risk not in risks.risks:
            raise unknown(Text("risk", "风险"), lexicon.risk, risks.risks, source.at((*at, "risk")))
        hazard = lexicon.hazard
        if hazard is not None and (hazard not in risks.hazards or lexicon.risk not in risks.hazards[hazard].risks):
            fitting = [each for each, entry in risks.hazards.items() if lexicon.risk in entry.risks]
            raise unknown(Text("hazard of this risk", "该风险的危害"), hazard, fitting, source.at((*at, "hazard")))
        for field, named in _lists_named(lexicon):
            if named not in pack.words:
                raise unknown(Text("list of words", "词表"), named, pack.words, source.at((*at, field)))
    return pack


def _lists_named(lexicon: LexiconEntry) -> Iterator[tuple[str, str]]:
    yield from (("patterns", name) for pattern in lexicon.patterns for name in pattern)
    yield from (("unless", name) for name in lexicon.unless)
    yield from (("compounds", name) for name in lexicon.compounds)
