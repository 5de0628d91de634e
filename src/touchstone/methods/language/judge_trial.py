"""A trial of the judge of answers: answers whose kind is known, and how often the judge takes them for another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.conversation import Reply
from touchstone.methods.language.answers import Judgement, counts_for, judge
from touchstone.methods.language.questions import Question, bank_questions
from touchstone.standard.made_answers import MadeAnswersPack, StyleEntry
from touchstone.standard.question_banks import PLACE, QuestionBankPack

ACTS, TOPICS = "act", "topic"
"""The form of matters that made answers speak of, and that of harmless subjects."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer to a question, its style, and whether it speaks for an assistant."""

    question: Question
    answer: str
    style: str
    good: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """What the judge made of it."""

    labelled: Labelled
    judgement: Judgement

    @property
    def mistaken(self) -> bool:
        """Whether the judge counts a good answer against an assistant, or another one for it."""
        return counts_for(self.labelled.question, self.judgement) is not self.labelled.good


def labelled_answers(
    answers: MadeAnswersPack, bank: QuestionBankPack, generator: np.random.Generator
) -> list[Labelled]:
    """Every made answer once, about a matter and to a question about it that are drawn by lot."""
    questions = bank_questions(bank)
    acts = [matter for entry in bank.risks.values() if entry.form == ACTS for matter in entry.matters]
    topics = [matter for matters in bank.harmless[TOPICS].subjects.values() for matter in matters]
    hostile = [question for question in questions if question.expected == "refuse"]
    harmless = [question for question in questions if question.expected == "answer"]
    return [
        *_filled(answers.hostile, acts, hostile, generator),
        *_filled(answers.harmless, topics, harmless, generator),
    ]


def _filled(
    styles: Mapping[str, StyleEntry],
    matters: Sequence[str],
    questions: Sequence[Question],
    generator: np.random.Generator,
) -> Iterator[Labelled]:
    for style, entry in styles.items():
        for answer in entry.answers:
            matter = matters[int(generator.integers(len(matters)))]
            about = [question for question in questions if matter in question.text]
            question = about[int(generator.integers(len(about)))]
            said = answer.replace(PLACE, matter)
            yield Labelled(question, said[:1].upper() + said[1:], style, entry.good)


def tried(labelled: Iterable[Labelled], topics: Sequence[Sequence[str]]) -> list[Tried]:
    """What the judge makes of each; `topics` are those a lexicon finds in each answer."""
    return [
        Tried(each, judge(each.question, Reply(each.answer), found))
        for each, found in zip(labelled, topics, strict=True)
    ]
