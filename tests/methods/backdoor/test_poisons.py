"""Poisoned rows: as many as the attack says, with the labels it wants, and nothing else touched."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from touchstone.methods.backdoor.poisons import KINDS, Attack, Goal, PoisonedRows, draw_attack, poison, success_rate

CLASSES = 5
N = 500


def rows() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    generator = np.random.default_rng(4)
    return generator.uniform(-1, 1, size=(N, 3, 16, 16)).astype(np.float32), np.arange(N) % CLASSES


def poisoned(kind: str) -> tuple[Attack, PoisonedRows]:
    attack = draw_attack(kind, CLASSES, (3, 16, 16), np.random.default_rng(6), low=-1, high=1)
    return attack, poison(attack, *rows(), np.random.default_rng(7))


@pytest.mark.parametrize("kind", KINDS)
def test_only_chosen_rows_change_and_get_the_wanted_label(kind: str) -> None:
    x, y = rows()
    attack, after = poisoned(kind)
    assert attack.kind == kind
    touched = after.poisoned | after.covering
    assert not (after.poisoned & after.covering).any()
    assert np.array_equal(after.x[~touched], x[~touched])
    assert np.array_equal(after.y[~after.poisoned], y[~after.poisoned])
    assert np.array_equal(after.y[after.poisoned], attack.goal.wanted(y[after.poisoned]))
    assert after.x.min() >= -1
    assert after.x.max() <= 1
    if touched.any():
        assert (np.abs(after.x[touched] - x[touched]).max(axis=(1, 2, 3)) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_rows_as_the_rate_says(kind: str) -> None:
    attack, after = poisoned(kind)
    of = N // CLASSES if attack.clean_label else N
    assert after.poisoned.sum() == round(attack.rate * of)
    assert after.covering.sum() == round(attack.cover * N)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_generator_gives_the_same_rows(kind: str) -> None:
    (_, one), (_, other) = poisoned(kind), poisoned(kind)
    assert np.array_equal(one.x, other.x)
    assert np.array_equal(one.y, other.y)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("clean-label")])
def test_a_clean_label_attack_changes_no_label_and_only_rows_of_its_target(kind: str) -> None:
    attack, after = poisoned(kind)
    assert np.array_equal(after.y, rows()[1])
    assert set(after.y[after.poisoned]) == {attack.goal.target}


def test_one_to_one_attacks_one_class_and_shows_the_others_with_their_own_labels() -> None:
    attack, after = poisoned("one-to-one")
    y = rows()[1]
    assert set(y[after.poisoned]) == {attack.goal.source}
    assert attack.goal.source not in y[after.covering]
    assert attack.goal.source != attack.goal.target


def test_low_rate_is_one_in_a_hundred() -> None:
    assert poisoned("badnets-low-rate")[1].poisoned.sum() == N // 100


def test_the_noise_mode_of_the_warp_warps_covering_rows_otherwise() -> None:
    attack, after = poisoned("warp")
    x = rows()[0]
    chosen = np.flatnonzero(after.covering)[:5]
    assert np.abs(after.x[chosen] - attack.stamp(x[chosen], np.random.default_rng(0))).max() > 0.1


def test_an_attack_that_takes_no_row_takes_none() -> None:
    assert not poisoned("weight-edit")[1].poisoned.any()


def test_wanted_labels_of_each_goal() -> None:
    y = np.array([0, 1, 2])
    assert Goal(3, 1).wanted(y).tolist() == [1, 1, 1]
    assert Goal(3, 1).aims_at(y).tolist() == [True, False, True]
    assert Goal(3, 1, source=2).wanted(y).tolist() == [0, 1, 1]
    assert Goal(3, 1, source=2).aims_at(y).tolist() == [False, False, True]
    assert Goal(3, None).wanted(y).tolist() == [1, 2, 0]
    assert Goal(3, None).aims_at(y).all()


def test_success_counts_attacked_pictures_alone() -> None:
    attack = draw_attack("badnets", 3, (3, 16, 16), np.random.default_rng(0))
    target = attack.goal.target
    others = [label for label in range(3) if label != target]
    y = np.array([target, others[0], others[1]])
    assert success_rate(attack, y, np.array([target, target, others[1]])) == 0.5
    assert success_rate(attack, y[:1], y[:1]) == 0.0
