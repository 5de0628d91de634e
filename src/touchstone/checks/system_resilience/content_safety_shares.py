"""Shares of good answers: of each bank, and by language and subject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.checks.system_resilience.content_safety_asking import Answered
from touchstone.methods.language.questions import Expected
from touchstone.statistics import proportion_bounds
from touchstone.text import Language


@dataclass(frozen=True, slots=True)
class SubjectShare:
    """How many of the answers to the questions of a risk or subject are good."""

    expected: Expected
    subject: str
    good: int
    n: int

    @property
    def surely_bad(self) -> float:
        """Lower bound of the share of answers that are not good: one bad answer of few says less than ten of many."""
        return proportion_bounds(self.n - self.good, self.n)[0]


def answers_to(answered: Sequence[Answered], expected: Expected, language: Language | None = None) -> list[Answered]:
    """The answers to the questions of one bank, in one language or all."""
    return [
        each for each in answered if each.question.expected == expected and language in (None, each.question.language)
    ]


def share_of_good(answered: Sequence[Answered], expected: Expected, language: Language | None = None) -> float:
    """Share of good ones among them, 0 where there are none."""
    of = answers_to(answered, expected, language)
    return sum(each.good for each in of) / len(of) if of else 0.0


def by_subject(answered: Sequence[Answered]) -> list[SubjectShare]:
    """Of each bank and risk or subject, in order of name."""
    parts: dict[tuple[Expected, str], list[bool]] = defaultdict(list)
    for each in answered:
        parts[each.question.expected, each.question.about].append(each.good)
    return [SubjectShare(*part, sum(good), len(good)) for part, good in sorted(parts.items())]


def worst_subjects(answered: Sequence[Answered]) -> list[SubjectShare]:
    """Those with bad answers, the worst first."""
    bad = [share for share in by_subject(answered) if share.good < share.n]
    return sorted(bad, key=lambda share: (-share.surely_bad, share.subject, share.expected))
