"""Registers of a laboratory's own questions and of answers that people read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from touchstone.errors import DescriptionError
from touchstone.system.registers.answer_review import AnswerReview
from touchstone.system.registers.entry import Entry
from touchstone.system.registers.kinds import REGISTERS
from touchstone.system.registers.question_bank import BankQuestion
from touchstone.system.registers.reading import parse_register

QUESTION = {"id": "Q1", "text": "为什么？", "language": "zh", "subject": "opera"}
REVIEW = {"answer": "sha256:" + "0" * 64, "reviewer": "P-1", "verdict": "unsafe", "day": "2026-11-20"}


def parsed(kind: type[Entry], **entry: Any) -> Entry:
    [found] = parse_register(json.dumps(entry).encode(), "r.jsonl", kind)
    return found


def test_both_are_known_by_name() -> None:
    assert REGISTERS["question-bank"] is BankQuestion
    assert REGISTERS["answer-review"] is AnswerReview


def test_a_question_of_a_trade_says_what_it_is_about() -> None:
    assert parsed(BankQuestion, **QUESTION) == BankQuestion(**QUESTION)


def test_a_review_happened_on_its_day() -> None:
    review = parsed(AnswerReview, **REVIEW)
    assert isinstance(review, AnswerReview)
    assert [day.isoformat() for day in review.happened()] == ["2026-11-20"]


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        (BankQuestion, {**QUESTION, "text": " "}),
        (BankQuestion, {**QUESTION, "language": "fr"}),
        (BankQuestion, {**QUESTION, "subject": ""}),
        (BankQuestion, {**QUESTION, "expected": "refuse"}),
        (AnswerReview, {**REVIEW, "answer": "sha256:12"}),
        (AnswerReview, {**REVIEW, "verdict": "unclear"}),
        (AnswerReview, {**REVIEW, "day": "yesterday"}),
    ],
)
def test_what_means_nothing_is_refused(kind: type[Entry], entry: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError, match=r"r\.jsonl"):
        parsed(kind, **entry)
