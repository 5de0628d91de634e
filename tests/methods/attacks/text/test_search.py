from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.text import FAMILIES, TextResult, TextThreat, attack_texts
from touchstone.methods.attacks.text.changes import applied
from touchstone.text import Text

BAD = ("awful", "refund", "broken", "骗", "差", "坏")
TEXTS = [
    "the lamp was broken when it came and nobody answers the phone",
    "awful service at the door, never again will we order here",
    "这家店真是差，打电话也没有人接，以后不会再来",
    "东西坏了三天没有人管，请大家小心",
    "I would like a refund of 300 for order 17 please",
]
Y = np.ones(len(TEXTS), dtype=np.int64)


def count(text: str) -> int:
    return sum(word in text for word in BAD)


class Model:
    """Class 1 for complaints: as many words of the list as there are, less a half."""

    def __init__(self, answers: str = "scores", most: int = 10**9) -> None:
        self.answers, self.most = answers, most
        self.steps: list[int] = []
        self.seen: list[str] = []

    def __call__(self, texts: list[str]) -> NDArray[Any]:
        if sum(self.steps) + len(texts) > self.most:
            raise BudgetSpentError(Text("spent", "已用完"))
        self.steps.append(len(texts))
        self.seen += texts
        found = np.array([count(text) for text in texts], dtype=np.float64)
        return (
            np.stack([np.full(len(texts), 0.5), found], axis=1) if self.answers == "scores" else (found > 0).astype(int)
        )


def attack(model: Callable[..., Any], texts: list[str] = TEXTS, **changes: Any) -> list[TextResult]:
    threat = TextThreat(**{"share": 0.2, "queries": 300, **changes})
    return attack_texts(model, texts, np.ones(len(texts), dtype=np.int64), [7 + i for i in range(len(texts))], threat)


def test_keywords_are_found_and_little_else_is_changed() -> None:
    for result, text in zip(attack(Model()), TEXTS, strict=True):
        assert result.succeeded
        assert count(result.text) == 0
        assert len(result.changes) == count(text) == 1
        assert applied(text, result.changes) == result.text
        assert 1 <= result.edits <= 12
        assert 0 < result.share <= 0.2


def test_labels_alone_are_enough() -> None:
    for result in attack(Model("labels"), queries=400):
        assert result.succeeded
        assert count(result.text) == 0
        assert len(result.changes) == 1


def test_labels_alone_try_every_unit() -> None:
    """Leaving a word out tells nothing here; only one of many words, misspelled, turns the answer."""

    def stubborn(asked: list[str]) -> NDArray[Any]:
        return np.array([int("quartz" in text.split() or len(text.split()) < 12) for text in asked])

    text = "one quick brown fox jumps over quartz rocks while nobody looks around today"
    for seed in range(5):
        [result] = attack_texts(stubborn, [text], Y[:1], [seed], TextThreat(0.01, 400, families=("typo",)))
        assert result.succeeded
        assert len(result.changes) == 1


def test_every_sample_is_asked_in_every_step() -> None:
    model = Model()
    results = attack(model)
    assert sum(model.steps) == sum(result.queries for result in results)
    assert len(model.steps) <= 3 + max(len(result.changes) for result in results)


@pytest.mark.parametrize("answers", ["scores", "labels"])
def test_a_text_fares_the_same_in_any_company(answers: str) -> None:
    together = attack(Model(answers))
    for place, text in enumerate(TEXTS):
        alone = attack_texts(Model(answers), [text], Y[:1], [7 + place], TextThreat(0.2, 300))
        assert alone == [together[place]]


@pytest.mark.parametrize("answers", ["scores", "labels"])
def test_no_budget_breaks_nothing(answers: str) -> None:
    model = Model(answers)
    results = attack(model, share=0.0)
    assert not any(result.succeeded for result in results)
    assert model.seen == TEXTS


@pytest.mark.parametrize("answers", ["scores", "labels"])
@pytest.mark.parametrize("queries", [1, 5, 20, 60])
def test_queries_are_never_exceeded(answers: str, queries: int) -> None:
    results = attack(Model(answers), queries=queries, share=1.0, beam=4)
    assert all(result.queries <= queries for result in results)


def test_a_long_text_is_taken_in_pieces() -> None:
    text = "the parcel came on time " * 40 + "broken " + "and so we thank you all " * 40
    [result] = attack(Model(), [text], queries=100)
    assert result.succeeded
    assert result.queries <= 100


def test_shares_are_kept() -> None:
    texts = [" ".join(["awful"] * 10)] * 2
    settings = {"queries": 1000, "families": ("typo",)}

    def stubborn(asked: list[str]) -> NDArray[Any]:
        found = np.array([text.split().count("awful") for text in asked], dtype=np.float64)
        return np.stack([np.full(len(asked), 4.5), found], axis=1)

    assert not any(result.succeeded for result in attack(stubborn, texts, share=0.5, **settings))
    for result in attack(stubborn, texts, share=0.6, **settings):
        assert result.succeeded
        assert len(result.changes) == 6


def test_a_beam_sees_what_greed_does_not() -> None:
    """The best first step leads nowhere; two that look worse do."""

    def trap(asked: list[str]) -> NDArray[Any]:
        kept = np.array([[word in text.split() for word in ("alpha", "bravo", "delta")] for text in asked])
        alpha, bravo, delta = (~kept).T.astype(np.float64)
        true = 3.0 - 1.5 * alpha - bravo - delta + 4.0 * alpha * (bravo + delta)
        return np.stack([np.full(len(asked), 1.2), true], axis=1)

    text = ["alpha bravo delta one two six ten"]
    settings = {"share": 0.3, "queries": 500, "families": ("typo",)}
    assert [attack(trap, text, beam=beam, **settings)[0].succeeded for beam in (1, 8)] == [False, True]


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_families_allowed_are_used(family: str) -> None:
    used = {change.family for result in attack(Model(), families=(family,)) for change in result.changes}
    assert used <= {family}


def test_texts_without_units_are_left_alone() -> None:
    [result] = attack(lambda asked: np.ones(len(asked), dtype=int), ["300 + 5 = 305!"])
    assert (result.succeeded, result.units, result.share) == (False, 0, 0.0)


def test_a_spent_budget_is_no_failed_attack() -> None:
    with pytest.raises(BudgetSpentError):
        attack(Model(most=100))
