"""Rules: what they give without anybody wild, and that a minority cannot carry the robust ones away."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.federated.malicious import ATTACKS, min_max, unsuspicious
from touchstone.methods.federated.rules import Rule, aggregate, clipped

RULES: tuple[Rule, ...] = get_args(Rule)
SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("rule", RULES)
@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_what_all_agree_on_stands_and_shifts_are_followed(rule: Rule, seed: int) -> None:
    generator = np.random.default_rng(seed)
    same = np.tile(generator.normal(size=6), (7, 1))
    assert aggregate(same, rule) == pytest.approx(same[0])
    updates, shift = generator.normal(size=(9, 4)), generator.normal(size=4)
    assert aggregate(updates + shift, rule) == pytest.approx(aggregate(updates, rule) + shift, abs=1e-5)
    assert aggregate(generator.permutation(updates), rule) == pytest.approx(aggregate(updates, rule), abs=1e-9)


@pytest.mark.parametrize("rule", ["median", "trimmed-mean", "geometric-median"])
def test_a_minority_cannot_carry_a_robust_rule_away(rule: Rule) -> None:
    honest = np.random.default_rng(0).normal(size=(8, 5))
    wild = np.full((2, 5), 1e9)
    assert np.abs(aggregate(np.concatenate([honest, wild]), rule)).max() < 3
    assert np.abs(aggregate(np.concatenate([honest, wild]), "mean")).max() > 1e8


def test_trimming_leaves_a_value_and_takes_both_ends() -> None:
    updates = np.array([[0.0], [1.0], [2.0], [30.0], [400.0]])
    assert aggregate(updates, "trimmed-mean", 0.2) == pytest.approx([11.0])
    assert aggregate(updates, "trimmed-mean", 0.49) == pytest.approx([2.0])
    assert aggregate(updates[:2], "trimmed-mean", 0.49) == pytest.approx([0.5])


@settings(deadline=None)
@given(seed=SEEDS, norm=st.floats(0.01, 10))
def test_clipping_shortens_what_is_longer_and_turns_nothing(seed: int, norm: float) -> None:
    updates = np.random.default_rng(seed).normal(size=(5, 3))
    short = clipped(updates, norm)
    assert (np.linalg.norm(short, axis=1) <= norm * (1 + 1e-9)).all()
    cosine = (short * updates).sum(axis=1) / np.linalg.norm(short, axis=1) / np.linalg.norm(updates, axis=1)
    assert cosine == pytest.approx(np.ones(5))
    assert clipped(updates, None) is updates


def test_standard_deviations_that_nobody_suspects() -> None:
    # Baruch et al. 2019, section 3.1: 50 parties, 24 of them malicious, need two honest ones; ppf(24/26) = 1.43.
    assert unsuspicious(50, 24) == pytest.approx(1.426, abs=1e-3)
    assert unsuspicious(4, 3) == 0.0


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS)
def test_min_max_is_no_farther_from_the_honest_than_they_are_apart(seed: int) -> None:
    honest = np.random.default_rng(seed).normal(1.0, 1.0, size=(6, 4))
    bad = min_max(honest, 2)
    apart = max(np.linalg.norm(a - b) for a in honest for b in honest)
    assert max(np.linalg.norm(bad - a) for a in honest) <= apart + 1e-6
    assert (bad - honest.mean(axis=0)) @ honest.mean(axis=0) < 0


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_holds_the_mean_back(name: str) -> None:
    honest = np.random.default_rng(1).normal(1.0, 0.5, size=(8, 30))
    bad = ATTACKS[name](honest, 2)
    towards = honest.mean(axis=0)
    assert bad @ towards < towards @ towards
