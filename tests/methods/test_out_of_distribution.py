"""Families from outside the domain, the witness that calls them outside, and scores of familiarity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.out_of_distribution import (
    energy,
    highest_probability,
    lies_outside,
    margin,
    outside_pictures,
    outside_rows,
)


def test_pictures_keep_shape_and_legal_values() -> None:
    x = np.random.default_rng(1).uniform(0.2, 0.8, (6, 3, 13, 10)).astype(np.float32)
    made = outside_pictures(x, 0.0, 1.0, np.random.default_rng(2))
    assert set(made) == {"uniform_noise", "matched_noise", "flat", "shuffled_patches", "drowned_in_noise"}
    for pictures in made.values():
        assert pictures.shape == x.shape
        assert pictures.dtype == np.float32
        assert pictures.min() >= 0
        assert pictures.max() <= 1
    assert (np.ptp(made["flat"], axis=(2, 3)) == 0).all()


def test_shuffling_moves_patches_of_a_picture_and_changes_no_pixel() -> None:
    x = np.arange(2 * 64, dtype=np.float32).reshape(2, 1, 8, 8)
    shuffled = outside_pictures(x, 0.0, 128.0, np.random.default_rng(3))["shuffled_patches"]
    assert (shuffled != x).any(axis=(1, 2, 3)).all()
    assert (np.sort(shuffled.reshape(2, -1)) == x.reshape(2, -1)).all()
    corner = shuffled[0, 0, :2, :2]
    assert (corner - corner[0, 0] == [[0, 1], [8, 9]]).all()


def test_rows_are_far_unrelated_or_mirrored() -> None:
    x = np.random.default_rng(4).normal(size=(300, 5)).astype(np.float32)
    made = outside_rows(x[:100], x[100:], -np.inf, np.inf, np.random.default_rng(5))
    moved = np.abs(made["far"] - x[:100])
    assert moved == pytest.approx(np.tile(5 * x[100:].std(axis=0), (100, 1)), rel=1e-4)
    assert (made["mirrored"] == x[:100, ::-1]).all()
    clipped = outside_rows(x[:100], x[100:], -1.0, 1.0, np.random.default_rng(5))
    assert all(np.abs(rows).max() <= 1 for rows in clipped.values())


def test_the_witness_tells_what_lies_outside() -> None:
    x = np.random.default_rng(6).normal(size=(900, 4)).astype(np.float32)
    proper, normal = x[:200], x[400:]
    assert not lies_outside(x[200:400], proper, normal)
    assert not lies_outside(proper[:, ::-1], proper, normal)  # columns that are exchangeable
    assert lies_outside(proper + 8, proper, normal)


def test_the_witness_knows_unrelated_values_where_columns_go_together() -> None:
    generator = np.random.default_rng(7)
    x = np.repeat(generator.normal(size=(900, 1)), 6, axis=1) + generator.normal(0, 0.01, (900, 6))
    rows = x.astype(np.float32)
    unrelated = outside_rows(rows[:200], rows[400:], -np.inf, np.inf, generator)["unrelated_values"]
    assert lies_outside(unrelated, rows[200:400], rows[400:])


def test_scores_as_computed_by_hand() -> None:
    logits = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 4.0, 2.0]]))
    assert energy(logits) == pytest.approx(np.log([8, 10]))
    assert margin(logits) == pytest.approx(np.log([2.5, 1]))
    assert highest_probability(np.array([[0.125, 0.25, 0.625]])) == pytest.approx([0.625])


@given(st.floats(-500, 500), st.integers(0, 1000))
def test_a_constant_moves_energy_by_itself_and_margin_not_at_all(shift: float, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, (5, 4))
    assert energy(logits + shift) == pytest.approx(energy(logits) + shift)
    assert margin(logits + shift) == pytest.approx(margin(logits), abs=1e-9)
