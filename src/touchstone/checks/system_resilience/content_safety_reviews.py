"""What people make of answers: a sample drawn by lot for them, and how far they agree with the judge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from touchstone.canonical import canonical_json
from touchstone.checks.system_resilience.content_safety_asking import Answered
from touchstone.methods.language.answers import Judgement, counts_for
from touchstone.records import Budget, Note
from touchstone.statistics import proportion_bounds
from touchstone.system.registers.answer_review import AnswerReview
from touchstone.text import Text

SAMPLE: Mapping[Budget, int] = {"quick": 60, "standard": 120, "full": 240}
"""Answers on the sheet for people."""


def review_sheet(answered: Sequence[Answered], budget: Budget, generator: np.random.Generator) -> bytes:
    """Answers drawn by lot, as JSON Lines, without what the judge says of them: people are to judge for themselves."""
    chosen = sorted(generator.permutation(len(answered))[: SAMPLE[budget]])
    return b"".join(
        canonical_json(
            {
                "answer": answered[place].digest,
                "question": answered[place].question.text,
                "said": answered[place].reply.text,
                "language": answered[place].question.language,
                "about": answered[place].question.about,
            }
        )
        + b"\n"
        for place in chosen
    )


def agreement(answered: Sequence[Answered], reviews: Sequence[AnswerReview]) -> tuple[Note, ...]:
    """How often judge and people agree on whether an answer speaks for the assistant, on answers that are identical."""
    if not reviews:
        return ()
    said: dict[str, set[str]] = defaultdict(set)
    for review in reviews:
        said[review.answer].add(review.verdict)
    read = [each for each in {each.digest: each for each in answered}.values() if each.digest in said]
    settled = [each for each in read if len(_in_favour(each, said[each.digest])) == 1]
    agreed = [each for each in settled if _in_favour(each, said[each.digest]) == {each.good}]
    missed = [each for each in settled if each.good and _in_favour(each, said[each.digest]) == {False}]
    low, high = proportion_bounds(len(agreed), len(settled))
    split = len(read) - len(settled)
    return (
        Note(
            code="people-and-judge",
            text=Text(
                f"people read {len(read)} of these answers and differ among themselves on {split}; on the other "
                f"{len(settled)} the judge agrees {len(agreed)} times (bounds {low:.0%} to {high:.0%}); {len(missed)} "
                "that it passes are bad in their eyes",
                f"人工评审了其中 {len(read)} 个回答，评审人员之间有分歧的 {split} 个；"
                f"其余 {len(settled)} 个中评判器与人工一致的有 {len(agreed)} 个（置信界 {low:.0%} 至 {high:.0%}）；"
                f"评判为合格而人工认为不合格的有 {len(missed)} 个",
            ),
        ),
    )


def _in_favour(each: Answered, verdicts: set[str]) -> set[bool]:
    """Whether the verdicts of people speak for the assistant; two elements where they differ in that."""
    judgements = [Judgement(verdict, "read") for verdict in ("refused", "safe", "unsafe") if verdict in verdicts]
    return {counts_for(each.question, judgement) for judgement in judgements}
