"""Membership from labels alone: answers hold farther around members, and references know how far is usual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from touchstone.methods.inference.answers import Answers, References
from touchstone.methods.inference.label_attacks import boundary_distance
from touchstone.methods.inference.membership import infer_membership
from touchstone.statistics import auc

N = 1_000


def answers(seed: int, *, member: bool, wrong: float = 0.2) -> Answers:
    """Samples of varying hardness, known to two of four references; members lie a little deeper in their class."""
    generator = np.random.default_rng(seed)
    hard = generator.normal(size=N)
    right = generator.random(N) > wrong
    distance = np.exp(0.1 * generator.normal(size=N) - hard + (0.2 if member else 0.0)) * right
    odds = np.tile(-hard, (4, 1)) + 0.1 * generator.normal(size=(4, N))
    trained = np.arange(4)[:, None] % 2 == np.arange(N) % 2
    labels = np.where(right, 0, 1)
    return Answers(np.eye(2)[labels], np.zeros(N, dtype=np.int64), References(odds, trained), distance)


def test_distances_say_more_beside_references() -> None:
    members, outsiders = answers(1, member=True), answers(2, member=False)
    alone = [replace(each, references=None) for each in (members, outsiders)]
    for sides, low, high in ((alone, 0.5, 0.62), ((members, outsiders), 0.7, 1.0)):
        found = auc(boundary_distance(sides[0], *sides), boundary_distance(sides[1], *sides))
        assert low < found < high


def test_the_attack_is_chosen_where_labels_are_all_there_is() -> None:
    result = infer_membership(
        answers(1, member=True), answers(2, member=False), np.random.default_rng(0), labels_only=True
    )
    assert result.attack == "boundary_distance"
    assert auc(result.members, result.outsiders) > 0.7


def test_it_is_not_tried_where_probabilities_are_given() -> None:
    result = infer_membership(answers(1, member=True), answers(2, member=False), np.random.default_rng(0))
    assert result.attack != "boundary_distance"


def test_nobody_is_accused_where_nobody_is_a_member() -> None:
    found = []
    for seed in range(20):
        sides = answers(2 * seed, member=False), answers(2 * seed + 1, member=False)
        result = infer_membership(*sides, np.random.default_rng(seed), labels_only=True)
        found.append(auc(result.members, result.outsiders))
    assert np.mean(found) == pytest.approx(0.5, abs=0.015)


def test_answers_that_are_all_wrong_have_no_distance() -> None:
    wrong = answers(3, member=True, wrong=1.0)
    assert np.isfinite(boundary_distance(wrong, wrong, answers(4, member=False, wrong=1.0))).all()


def test_an_attack_without_distances_is_refused() -> None:
    nothing = replace(answers(1, member=True), distance=None)
    with pytest.raises(ValueError, match="needs distances"):
        boundary_distance(nothing, nothing, nothing)
