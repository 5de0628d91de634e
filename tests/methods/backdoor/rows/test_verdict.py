"""Which classes hold more strange rows than chance explains."""

from __future__ import annotations

import numpy as np

from touchstone.methods.backdoor.rows.verdict import (
    class_excesses,
    discoveries,
    flagged_classes,
    set_p_value,
    suspect_rows,
)


def conformal(generator, rows, vetted=100):
    """P-values of honest rows that share their vetted samples."""
    scores = generator.normal(size=vetted)
    return np.array([(1 + (scores >= one).sum()) / (vetted + 1) for one in generator.normal(size=rows)])


def test_honest_sets_are_flagged_as_seldom_as_promised():
    generator = np.random.default_rng(1)
    labels = np.arange(600) % 6
    p = [set_p_value(class_excesses(conformal(generator, 600), labels, 100)) for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05


def test_planted_rows_give_their_class_away_and_are_the_suspects():
    generator = np.random.default_rng(2)
    labels = np.arange(600) % 6
    p = conformal(generator, 600)
    planted = np.flatnonzero(labels == 2)[:40]
    p[planted] = 1 / 101
    flagged = flagged_classes(class_excesses(p, labels, 100))
    assert [one.label for one in flagged] == [2]
    suspects = suspect_rows(p, labels, flagged)
    assert suspects[planted].all()
    assert (labels[suspects] == 2).all()
    assert discoveries(p, labels, flagged)[planted].all()
    assert suspects.sum() <= 40 + 0.15 * 100


def test_few_vetted_samples_give_no_discovery_but_suspects():
    labels = np.zeros(400, dtype=np.int64)
    p = np.where(np.arange(400) < 60, 1 / 31, 0.5)
    flagged = flagged_classes(class_excesses(p, labels, 30), alpha=0.5)
    assert flagged
    assert not discoveries(p, labels, flagged).any()
    assert suspect_rows(p, labels, flagged).sum() == 60


def test_nothing_is_flagged_without_vetted_samples():
    assert class_excesses(np.ones(5), np.zeros(5, dtype=np.int64), 0) == ()
    assert set_p_value(()) == 1
