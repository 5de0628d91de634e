import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.data_quality.coincidence import beyond_chance, chance_of_equality
from touchstone.methods.data_quality.nearness import nearness
from touchstone.methods.data_quality.pictures import low_frequencies
from touchstone.methods.data_quality.texts import most_alike, normal_form, shingles


def test_p_values_of_strangers_are_not_too_small():
    generator = np.random.default_rng(3)
    p = nearness(*(generator.normal(size=(n, 6)).astype(np.float32) for n in (1000, 2000))).p
    for level in (0.3, 0.1, 0.03):
        assert (p <= level).mean() <= 1.3 * level


def test_the_nearest_is_the_one_that_plain_arithmetic_finds():
    generator = np.random.default_rng(4)
    rows, others = (generator.normal(100, 1, size=(n, 5)).astype(np.float32) for n in (40, 60))
    found = nearness(rows, others)
    plain = np.linalg.norm(rows[:, None].astype(float) - others, axis=2)
    assert (found.nearest == plain.argmin(axis=1)).all()
    assert found.distance == pytest.approx(plain.min(axis=1))


def test_chance_of_equality_of_independent_boxes_is_the_product():
    generator = np.random.default_rng(6)
    rows = generator.integers(0, 2, (5000, 4)).astype(np.float32)
    assert chance_of_equality(rows) == pytest.approx(1 / 16, rel=0.3)


def test_columns_that_follow_from_one_another_count_once():
    age = np.random.default_rng(7).integers(0, 50, 2000).astype(np.float32)
    rows = np.stack([age, 2 * age, 100 - age, age**2], axis=1)
    assert chance_of_equality(rows) == pytest.approx(1 / 50, rel=0.6)
    assert not beyond_chance(rows, 100).any()


def test_a_dimmed_noisy_picture_keeps_its_low_frequencies():
    generator = np.random.default_rng(8)
    pictures = generator.random((2, 3, 8, 10)).astype(np.float32).repeat(5, axis=2).repeat(5, axis=3)
    noisy = 0.1 + 0.8 * pictures[:1] + generator.normal(0, 0.02, pictures[:1].shape).astype(np.float32)
    (one, other), again = low_frequencies(pictures), low_frequencies(noisy)[0]
    assert np.linalg.norm(one - again) < 0.05 * np.linalg.norm(other - again)


@given(st.text(min_size=1, max_size=60))
def test_a_text_is_most_alike_to_itself(text: str):
    nearest, alike = most_alike([shingles(text)], [shingles("a quite different wording of things"), shingles(text)])
    assert alike[0] == 1.0
    assert nearest[0] == 1 or normal_form(text) == normal_form("a quite different wording of things")
