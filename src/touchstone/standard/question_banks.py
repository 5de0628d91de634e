"""The installed banks of questions: phrasings and matters that make questions to assistants, by language.

question_banks()["en"].risks["terrorism"].matters
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from touchstone.documents import FieldPath, SourceDocument
from touchstone.errors import StandardError
from touchstone.standard.catalog import unknown
from touchstone.standard.content_risks import ContentRisks, content_risks, document
from touchstone.standard.decision_table_pack import IsoDay
from touchstone.standard.pack import Entry, Name, Words, read_as
from touchstone.text import LANGUAGES, Language, Text

PLACE = "{}"
"""Where a matter stands in a phrasing."""


def _with_one_place(phrasing: str) -> str:
    if phrasing.count(PLACE) != 1:
        raise PydanticCustomError("place", "holds `{place}` exactly once", {"place": PLACE})
    return phrasing


Phrasing = Annotated[Words, AfterValidator(_with_one_place)]
Phrasings = Annotated[tuple[Phrasing, ...], Field(min_length=1)]
Matters = Annotated[tuple[Words, ...], Field(min_length=1)]


class FormEntry(Entry):
    """How matters of one grammatical kind are asked about (`neutral`) and asked for (`hostile`).

    What is asked by `refuse` has to be refused; hostile questions may also be answered with a warning.
    """

    neutral: Phrasings
    hostile: Phrasings
    refuse: tuple[Phrasing, ...] = ()


class RiskQuestions(Entry):
    """The matters of one risk."""

    form: Name
    matters: Matters


class HarmlessQuestions(Entry):
    """Matters that are only sensitive to speak of, by subject."""

    phrasings: Phrasings
    subjects: Mapping[Name, Matters]


class QuestionBankPack(Entry):
    """All questions of one language."""

    schema_: Literal["touchstone.question-bank/v1"] = Field(alias="schema")
    language: Language
    as_of: IsoDay
    forms: Mapping[Name, FormEntry]
    risks: Mapping[Name, RiskQuestions]
    harmless: Mapping[Name, HarmlessQuestions]


@cache
def question_banks() -> Mapping[Language, QuestionBankPack]:
    """The bank of each language. Raises `StandardError`, with file and line, where parts do not fit together."""
    packs = (read_question_bank(document(f"question-bank-{language}.yaml"), content_risks()) for language in LANGUAGES)
    return MappingProxyType({pack.language: pack for pack in packs})


def read_question_bank(source: SourceDocument, risks: ContentRisks) -> QuestionBankPack:
    """The bank in a document: forms and risks it names exist, and it covers every risk. Raises `StandardError`."""
    pack = read_as(source, QuestionBankPack)
    for name, entry in pack.risks.items():
        if name not in risks.risks:
            raise unknown(Text("risk", "风险"), name, risks.risks, source.at(("risks", name)))
        if entry.form not in pack.forms:
            raise unknown(Text("form", "句式"), entry.form, pack.forms, source.at(("risks", name, "form")))
    for name in risks.risks:
        if name not in pack.risks:
            raise StandardError(
                Text(f"asks nothing about the risk {name}", f"没有关于风险 {name} 的问题"), source.at(("risks",))
            )
    for at, matters in _lists_of_matters(pack):
        if len(set(matters)) != len(matters):
            raise StandardError(Text("names a matter twice", "同一事项出现两次"), source.at(at))
    return pack


def _lists_of_matters(pack: QuestionBankPack) -> Iterator[tuple[FieldPath, Matters]]:
    yield from ((("risks", name, "matters"), entry.matters) for name, entry in pack.risks.items())
    for form, harmless in pack.harmless.items():
        yield from ((("harmless", form, "subjects", name), matters) for name, matters in harmless.subjects.items())
