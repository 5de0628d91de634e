import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.inference.answers import Answers
from touchstone.methods.inference.membership import (
    ATTACKS,
    infer_membership,
    loss_for_its_class,
    modified_entropy,
    true_positive_rate,
    without_ties,
)
from touchstone.statistics import auc


def answers(n: int, sureness: float, seed: int, *, classes: int = 3, hard_class: float = 0.0) -> Answers:
    """Softmax answers whose true class leads by `sureness` on average, less where the true class is 0."""
    generator = np.random.default_rng(seed)
    target = generator.integers(classes, size=n)
    logits = generator.normal(size=(n, classes))
    logits[np.arange(n), target] += np.where(target == 0, sureness - hard_class, sureness)
    odds = np.exp(logits)
    return Answers(odds / odds.sum(axis=1, keepdims=True), target)


def found(members: Answers, outsiders: Answers, *, labels_only: bool = False) -> float:
    result = infer_membership(members, outsiders, np.random.default_rng(3), labels_only=labels_only)
    return auc(result.members, result.outsiders)


def test_a_planted_leak_is_found() -> None:
    assert found(answers(2000, 4.0, 1), answers(2000, 2.0, 2)) > 0.8


def test_nothing_is_found_where_there_is_nothing() -> None:
    values = [found(answers(1000, 2.0, 2 * seed), answers(1000, 2.0, 2 * seed + 1)) for seed in range(20)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.01)


def test_labels_only_still_shows_the_gap() -> None:
    """Members right with 100 %, others with 60 %: the AUC of the gap attack is (1 + 1.0 - 0.6) / 2 = 0.7."""
    target = np.zeros(5000, dtype=np.int64)
    right = np.eye(2)[target]
    mixed = np.eye(2)[(np.arange(5000) % 5 < 2).astype(int)]
    assert found(Answers(right, target), Answers(mixed, target), labels_only=True) == pytest.approx(0.7, abs=0.02)


def test_the_attack_is_not_chosen_on_the_samples_that_score_it() -> None:
    members, outsiders = answers(101, 2.0, 1), answers(60, 2.0, 2)
    result = infer_membership(members, outsiders, np.random.default_rng(0))
    assert len(result.members) == len(result.member_rows) == 51
    assert len(result.outsiders) == len(result.outsider_rows) == 30
    assert len(set(result.member_rows)) == 51
    known = np.setdiff1d(np.arange(101), result.member_rows)
    spoilt = Answers(members.probabilities.copy(), members.target.copy())
    spoilt.probabilities[result.member_rows] = [1.0, 0.0, 0.0]
    again = infer_membership(spoilt, outsiders, np.random.default_rng(0))
    assert again.attack == result.attack
    np.testing.assert_array_equal(again.member_rows, result.member_rows)
    assert len(known) == 50


def test_calibration_by_class_sees_through_a_hard_class() -> None:
    members, outsiders = answers(4000, 4.0, 1, hard_class=3.0), answers(4000, 3.0, 2, hard_class=3.0)
    plain = auc(ATTACKS["loss"](members, members, outsiders), ATTACKS["loss"](outsiders, members, outsiders))
    calibrated = auc(loss_for_its_class(members, members, outsiders), loss_for_its_class(outsiders, members, outsiders))
    assert calibrated > plain + 0.01


def test_modified_entropy_by_hand() -> None:
    """Song and Mittal 2021, equation 8, for p = (0.7, 0.2, 0.1) and true class 0, with the sign turned."""
    one = Answers(np.array([[0.7, 0.2, 0.1]]), np.array([0]))
    by_hand = 0.3 * np.log(0.7) + 0.2 * np.log(0.8) + 0.1 * np.log(0.9)
    assert modified_entropy(one, one, one)[0] == pytest.approx(by_hand)


@pytest.mark.parametrize("name", ATTACKS)
def test_certain_answers_give_finite_suspicions(name: str) -> None:
    certain = Answers(np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 0, 2]))
    suspicion = ATTACKS[name](certain, certain, certain)
    assert np.isfinite(suspicion).all()
    assert suspicion[0] >= suspicion[2]


def test_true_positives_at_a_low_rate() -> None:
    """A tenth of the members stands above every non-member, the rest is like them."""
    generator = np.random.default_rng(0)
    outsiders = generator.normal(size=20_000)
    members = np.concatenate([np.full(2_000, 10.0), generator.normal(size=18_000)])
    value, low, high = true_positive_rate(members, outsiders, 0.001)
    assert low < value < high
    assert value == pytest.approx(0.1 + 0.9 * 0.001, abs=0.002)
    assert low < 0.1009 < high
    assert high - low < 0.02


@given(st.integers(0, 2**32 - 1), st.integers(5, 400), st.integers(5, 400))
def test_true_positive_bounds_hold_the_value(seed: int, members: int, outsiders: int) -> None:
    generator = np.random.default_rng(seed)
    value, low, high = true_positive_rate(
        generator.integers(5, size=members).astype(float), generator.integers(5, size=outsiders).astype(float), 0.01
    )
    assert 0 <= low <= value <= high <= 1


def test_true_positive_bounds_cover() -> None:
    """Scores of members N(1, 1) against N(0, 1): the true rate at 1 % is P(Z > 2.326 - 1) = 0.0924."""
    misses = np.zeros(2)
    for seed in range(300):
        generator = np.random.default_rng(seed)
        _, low, high = true_positive_rate(generator.normal(1, 1, 1000), generator.normal(size=1000), 0.01)
        misses += [low > 0.0924, high < 0.0924]
    assert (misses <= 300 * 0.05).all()


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 3), min_size=1), st.lists(st.integers(0, 3), min_size=1))
def test_ties_are_broken_and_nothing_else(seed: int, members: list[int], outsiders: list[int]) -> None:
    before = np.array([*members, *outsiders], dtype=np.float64)
    after = np.concatenate(without_ties(before[: len(members)], before[len(members) :], np.random.default_rng(seed)))
    assert len(set(after.tolist())) == len(after)
    assert (before[np.argsort(after)] == np.sort(before)).all()


def test_a_tied_top_is_accused_by_lot() -> None:
    """60 % of members and 20 % of others share the top: at 1 % false accusations 3 % of the members are accused."""
    members, outsiders = np.arange(20_000) < 12_000, np.arange(20_000) < 4_000
    generator = np.random.default_rng(0)
    broken = without_ties(members.astype(np.float64), outsiders.astype(np.float64), generator)
    assert true_positive_rate(members.astype(np.float64), outsiders.astype(np.float64), 0.01)[0] == 0
    assert true_positive_rate(*broken, 0.01)[0] == pytest.approx(0.03, abs=0.006)
