"""Samples of very different hardness: without references, hardness drowns what membership does to the answers."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from touchstone.methods.inference.answers import Answers, References, paired_halves
from touchstone.methods.inference.membership import REFERENCE_ATTACKS, infer_membership
from touchstone.methods.inference.reference_attacks import calibrated_loss, likelihood_ratio, relative_likelihood
from touchstone.statistics import auc

LEAP = 2.0
"""By how much being trained on a sample raises its log-odds."""


def crowd(n: int, references: int, seed: int, *, leap: float = LEAP) -> tuple[Answers, np.ndarray]:
    """Answers of a model, and whom it was trained on; log-odds are hardness, leap and noise, as for the references."""
    generator = np.random.default_rng(seed)
    hardness = generator.normal(scale=3.0, size=n)
    trained = paired_halves(n, references, generator)
    member = generator.random(n) < 0.5
    odds = hardness + leap * np.vstack([member, trained]) + generator.normal(size=(references + 1, n))
    given = expit(odds[0])
    answers = Answers(np.stack([given, 1 - given], axis=1), np.zeros(n, dtype=np.int64))
    return Answers(answers.probabilities, answers.target, References(odds[1:], trained)), member


def found(answers: Answers, member: np.ndarray, *, labels_only: bool = False) -> tuple[str, float]:
    inside, outside = answers[np.flatnonzero(member)], answers[np.flatnonzero(~member)]
    result = infer_membership(inside, outside, np.random.default_rng(0), labels_only=labels_only)
    return result.attack, auc(result.members, result.outsiders)


def test_four_references_see_what_none_cannot() -> None:
    answers, member = crowd(4000, 4, 1)
    alone = found(Answers(answers.probabilities, answers.target), member)[1]
    attack, beside = found(answers, member)
    assert attack in REFERENCE_ATTACKS
    assert beside > alone + 0.1


def test_likelihoods_join_in_when_there_are_enough_references() -> None:
    """The best there is: the means of each sample known, a leap of 2 spreads apart: AUC = Phi(2 / sqrt(2)) = 0.921."""
    answers, member = crowd(4000, 64, 2)
    attack, seen = found(answers, member)
    assert attack == "likelihood_ratio"
    assert seen == pytest.approx(norm.cdf(LEAP / np.sqrt(2)), abs=0.02)


def test_nothing_is_found_where_there_is_nothing() -> None:
    values = [found(*crowd(1000, 4, seed, leap=0.0))[1] for seed in range(20)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.015)


def test_labels_alone_are_compared_with_references_too() -> None:
    answers, member = crowd(4000, 4, 3)
    labels = Answers((answers.probabilities > 0.5).astype(np.float64), answers.target, answers.references)
    assert found(labels, member, labels_only=True)[1] > found(Answers(labels.probabilities, labels.target), member)[1]


def test_relative_likelihood_by_hand() -> None:
    """Zarifzadeh et al. 2024: 0.9 against a mean of (0.8 + 0.4) / 2."""
    odds = np.log([[0.8 / 0.2], [0.4 / 0.6]])
    one = Answers(np.array([[0.9, 0.1]]), np.array([0]), References(odds, np.array([[True], [False]])))
    assert relative_likelihood(one, one, one)[0] == pytest.approx(np.log(0.9 / 0.6))
    assert calibrated_loss(one, one, one)[0] == pytest.approx(np.log(9) - np.log(0.4 / 0.6))


def test_certain_references_give_finite_suspicions() -> None:
    sure = References(np.array([[69.0, -69.0], [69.0, -69.0]]), np.array([[True, False], [False, True]]))
    answers = Answers(np.eye(2), np.array([0, 0]), sure)
    for attack in (relative_likelihood, calibrated_loss, likelihood_ratio):
        assert np.isfinite(attack(answers, answers, answers)).all()


def test_without_references_there_is_no_such_attack() -> None:
    bare = Answers(np.eye(2), np.array([0, 1]))
    with pytest.raises(ValueError, match="needs references"):
        relative_likelihood(bare, bare, bare)
