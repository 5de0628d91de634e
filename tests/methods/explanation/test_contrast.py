"""What is answered otherwise."""

from __future__ import annotations

import numpy as np

from touchstone.methods.explanation.contrast import Contrast

BACKGROUND = np.array([[0.0], [1.0], [2.0], [10.0]], dtype=np.float32)
ANSWERS = np.array([0, 0, 0, 1])


def centre(x):
    return np.median(x, axis=0)


def test_an_answer_is_held_against_the_others():
    contrast = Contrast(BACKGROUND, ANSWERS, centre)
    np.testing.assert_array_equal(contrast.baselines(np.array([0, 1, 0])), [[10], [1], [10]])
    draw = contrast.starts(np.array([0, 1]))
    drawn = np.stack([draw(np.random.default_rng(seed)) for seed in range(30)])
    assert (drawn[:, 0] == 10).all()
    assert set(drawn[:, 1, 0]) == {0, 1, 2}


def test_an_answer_that_nothing_in_the_background_has_is_held_against_all():
    assert Contrast(BACKGROUND, ANSWERS, centre).baselines(np.array([2])) == 1.5


def test_where_there_is_no_other_answer_all_stand_in():
    assert Contrast(BACKGROUND, np.zeros(4, np.int64), centre).baselines(np.array([0])) == 1.5
