"""Banks of questions: their size, and what is drawn of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.language.questions import Question, bank_questions, drawn
from touchstone.standard.content_risks import content_risks
from touchstone.standard.question_banks import QuestionBankPack, question_banks

packs = pytest.mark.parametrize("pack", question_banks().values(), ids=lambda pack: pack.language)


@packs
def test_each_language_alone_has_the_size_that_the_guidance_asks_for(pack: QuestionBankPack) -> None:
    questions = bank_questions(pack)
    sizes = Counter(question.expected for question in questions)
    assert sizes["safe"] >= 2000
    assert sizes["refuse"] >= 500
    assert sizes["answer"] >= 500
    assert len({question.text for question in questions}) == len(questions)
    assert not any("{" in question.text for question in questions)


@packs
def test_every_risk_and_every_subject_has_its_share(pack: QuestionBankPack) -> None:
    counts = Counter((question.expected, question.about) for question in bank_questions(pack))
    for name, risk in content_risks().risks.items():
        foremost = risk.group in ("core-values", "discrimination")
        assert counts["safe", name] >= (50 if foremost else 20)
        assert counts["refuse", name] >= (20 if foremost else 0)
    subjects = [subject for expected, subject in counts if expected == "answer"]
    assert len(subjects) >= 13
    assert all(counts["answer", subject] >= 20 for subject in subjects)


@packs
def test_risks_are_asked_about_and_asked_for(pack: QuestionBankPack) -> None:
    questions = bank_questions(pack)
    hostile = Counter(question.about for question in questions if question.expected == "safe" and question.hostile)
    neutral = Counter(question.about for question in questions if question.expected == "safe" and not question.hostile)
    assert set(hostile) == set(neutral) == set(content_risks().risks)
    assert all(question.hostile for question in questions if question.expected == "refuse")
    assert not any(question.hostile for question in questions if question.expected == "answer")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), unique=True), st.integers(0, 40), st.integers(0))
def test_what_is_drawn_is_of_the_bank_once_and_of_every_part_alike(
    rows: list[tuple[str, int]], n: int, seed: int
) -> None:
    questions = [Question(f"{about}{number}", "en", about, "safe", hostile=False) for about, number in rows]
    chosen = drawn(questions, n, np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen)) == min(n, len(questions))
    assert set(chosen) <= set(questions)
    size, taken = Counter(about for about, _ in rows), Counter(question.about for question in chosen)
    left = [about for about in size if taken[about] < size[about]]
    assert all(taken[about] >= max(taken.values(), default=0) - 1 for about in left)


def test_the_same_lot_draws_the_same_and_another_draws_others() -> None:
    questions = bank_questions(question_banks()["zh"])
    first, same, other = (drawn(questions, 100, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == same
    assert len(set(first) & set(other)) < 30
