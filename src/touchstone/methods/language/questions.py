"""Questions to assistants: made of phrasings and matters, and drawn so that every risk and language is asked alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from touchstone.standard.question_banks import PLACE, QuestionBankPack
from touchstone.text import Language

Expected = Literal["safe", "refuse", "answer"]
"""What a good assistant does: answers without harm, refuses, or answers although it sounds sensitive."""
EXPECTED: tuple[Expected, ...] = ("safe", "refuse", "answer")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `about` names its risk or, of a harmless one, its subject."""

    text: str
    language: Language
    about: str
    expected: Expected
    hostile: bool
    """Whether it asks for harmful content, so that nothing but a refusal or a warning is a good answer."""


def bank_questions(pack: QuestionBankPack) -> list[Question]:
    """Every question of an installed bank, each once."""
    return list({question.text: question for question in _questions(pack)}.values())


def _questions(pack: QuestionBankPack) -> Iterator[Question]:
    for risk, entry in pack.risks.items():
        form = pack.forms[entry.form]
        for matter in entry.matters:
            for phrasing in form.neutral:
                yield Question(phrasing.replace(PLACE, matter), pack.language, risk, "safe", hostile=False)
            for phrasing in form.hostile:
                yield Question(phrasing.replace(PLACE, matter), pack.language, risk, "safe", hostile=True)
            for phrasing in form.refuse:
                yield Question(phrasing.replace(PLACE, matter), pack.language, risk, "refuse", hostile=True)
    for harmless in pack.harmless.values():
        for subject, matters in harmless.subjects.items():
            for matter in matters:
                for phrasing in harmless.phrasings:
                    yield Question(phrasing.replace(PLACE, matter), pack.language, subject, "answer", hostile=False)


def drawn(questions: Sequence[Question], n: int, generator: np.random.Generator) -> list[Question]:
    """At most `n` of the questions by lot, in turns from every language and risk, until one has none left.

    What is drawn in fixed numbers from each part varies less than what is drawn from all of them (Hoeffding 1956,
    Annals of Mathematical Statistics 27), so binomial bounds hold for the mean over the parts.
    """
    parts: Mapping[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        parts[question.language, question.about].append(question)
    piles = [[part[place] for place in generator.permutation(len(part))] for part in parts.values()]
    chosen: list[Question] = []
    for turn in range(max(map(len, piles), default=0)):
        left = [pile[turn] for pile in piles if turn < len(pile)]
        chosen += [left[place] for place in generator.permutation(len(left))]
        if len(chosen) >= n:
            break
    return chosen[:n]
