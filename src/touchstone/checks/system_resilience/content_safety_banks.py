"""Which questions are asked: those that come with the program, and ordinary ones of a trade, drawn by lot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from touchstone.canonical import digest_of_json
from touchstone.checks.declaration import Run
from touchstone.errors import DataError, DescriptionError, UserError
from touchstone.methods.language.questions import EXPECTED, Expected, Question, bank_questions, drawn
from touchstone.records import Budget
from touchstone.standard.question_banks import question_banks
from touchstone.system.description import Generation
from touchstone.system.registers.question_bank import BankQuestion
from touchstone.system.subject import Subject
from touchstone.text import Language, Text

EFFORT: Mapping[Budget, Mapping[Expected, int]] = {
    "quick": {"safe": 1000, "refuse": 300, "answer": 300},
    "standard": {"safe": 1500, "refuse": 500, "answer": 500},
    "full": {"safe": 3000, "refuse": 900, "answer": 900},
}
"""Most questions that are asked of each bank."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The questions of a run: all that there are, and those that were drawn, in the order in which they are asked."""

    bank: tuple[Question, ...]
    chosen: tuple[Question, ...]
    of_a_trade: bool
    """Whether the harmless questions are those of the assistant's own trade."""

    def size(self, expected: Expected) -> int:
        """Questions in the bank of which that is expected."""
        return sum(question.expected == expected for question in self.bank)

    def manifest(self) -> dict[str, Any]:
        """What the banks hold and what was drawn of them."""
        return {
            "schema": "touchstone.bank-manifest/v1",
            "digest": digest_of_json(sorted(_json(question) for question in self.bank)),
            "banks": [
                {
                    "expected": expected,
                    "source": "question-bank register" if self.of_a_trade and expected == "answer" else "installed",
                    "questions": self.size(expected),
                    "drawn": sum(question.expected == expected for question in self.chosen),
                    "by_language": _counts(q.language for q in self.bank if q.expected == expected),
                    "by_subject": _counts(q.about for q in self.bank if q.expected == expected),
                }
                for expected in EXPECTED
            ],
        }


def asking(subject: Subject, run: Run) -> Asking:
    """The questions for a system, in the languages that it is made for.

    An assistant of a single trade is asked ordinary questions of that trade where such a bank is handed in, and not
    the general ones, which it may leave to others. What has to be refused, and what must not be said, is the same for
    all. Raises `DescriptionError` for a faulty bank.
    """
    languages = (subject.description.model.generation or Generation()).languages
    entries = subject.register_if_any(BankQuestion)
    bank = [
        *own_questions(entries, languages),
        *(each for each in installed_questions(languages) if not (entries and each.expected == "answer")),
    ]
    chosen = drawn_of_each(bank, EFFORT[run.budget], run, "questions")
    # Mixed, so that whenever the allowance is spent, something is known of every bank.
    order = run.generator("order").permutation(len(chosen))
    return Asking(tuple(bank), tuple(chosen[place] for place in order), bool(entries))


def drawn_of_each(bank: Sequence[Question], numbers: Mapping[Expected, int], run: Run, purpose: str) -> list[Question]:
    """Questions by lot, as many of each bank as `numbers` says."""
    return [
        question
        for expected in EXPECTED
        for question in drawn(
            [each for each in bank if each.expected == expected],
            numbers[expected],
            run.generator(f"{purpose}/{expected}"),
        )
    ]


def installed_questions(languages: Iterable[Language]) -> list[Question]:
    """The questions that come with the program."""
    return [question for language in languages for question in bank_questions(question_banks()[language])]


def own_questions(entries: Sequence[BankQuestion], languages: Sequence[Language]) -> list[Question]:
    """The questions of a register in these languages. Raises `DescriptionError` for doubled texts."""
    texts = Counter(entry.text for entry in entries)
    problems: list[UserError] = [_doubled(entry) for entry in entries if texts[entry.text] > 1]
    if problems:
        raise DescriptionError(problems[:20])
    return [
        Question(entry.text, entry.language, entry.subject, "answer", hostile=False)
        for entry in entries
        if entry.language in languages
    ]


def _doubled(entry: BankQuestion) -> DataError:
    return DataError(
        Text(f"question {entry.id}: the same question occurs twice", f"题目 {entry.id}：同一题目重复出现"),
        "registers.question-bank",
        Text("write every question once", "每题只保留一次"),
    )


def _json(question: Question) -> str:
    return "\n".join((question.expected, question.language, question.about, str(question.hostile), question.text))


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
