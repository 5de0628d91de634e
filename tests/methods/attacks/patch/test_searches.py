"""What the searches find: on a model that looks at one corner, the patch has to find that corner, and what it wants."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from touchstone.methods.attacks.patch.judging import (
    answers_in_views,
    by_answer,
    by_both,
    by_lead,
    lead,
    usual_margin,
    worth_in_views,
)
from touchstone.methods.attacks.patch.patch_climb import climb_patches
from touchstone.methods.attacks.patch.patch_search import search_patches
from touchstone.methods.attacks.patch.placement import Surface
from touchstone.methods.attacks.patch.texture_search import search_textures
from touchstone.methods.attacks.patch.textures import bars, photographs, textures
from touchstone.methods.attacks.patch.views import Pictures, Stickers, draws_for
from touchstone.methods.attacks.threat_model import Classes, Samples

SURFACE = Surface(0.08)
SIDE = 20


class Corner:
    """Class 1 where red outweighs blue by enough in the upper left corner, whatever the rest shows."""

    def value(self, x: Samples) -> NDArray[np.float64]:
        corner = x[:, :, :8, :8].astype(np.float64)
        return np.asarray((corner[:, 0] - corner[:, 2]).mean(axis=(1, 2)) - 0.2)

    def scores(self, x: Samples) -> NDArray[np.float64]:
        value = self.value(x)
        return np.stack([-value, value], axis=1)

    def labels(self, x: Samples) -> Classes:
        return np.asarray(self.scores(x).argmax(axis=1))

    def slope(self, x: Samples, y: Classes, wanted: Classes) -> Samples:
        gradient = np.zeros_like(x)
        sign = np.where(y == 0, 1.0, -1.0)[:, None, None]
        gradient[:, 0, :8, :8], gradient[:, 2, :8, :8] = sign, -sign
        return gradient


MODEL = Corner()


def grey_pictures(n: int = 6) -> Pictures:
    x = np.random.default_rng(1).uniform(0.4, 0.6, (n, 3, SIDE, SIDE)).astype(np.float32)
    return Pictures(x, MODEL.labels(x), 0.0, 1.0)


PICTURES = grey_pictures()
N = len(PICTURES.x)
SEEDS = np.arange(100, 100 + N)
OWN = np.arange(N)[:, None]
POSES = np.array([[down, across, 0.0] for down in (0.2, 0.5, 0.8) for across in (0.2, 0.5, 0.8)])


def broken(stickers: Stickers) -> NDArray[np.bool_]:
    answers = answers_in_views(MODEL.labels, PICTURES, SURFACE, stickers, draws_for(SEEDS, 3, 50), OWN)
    return np.asarray((answers != PICTURES.y[:, None]).mean(axis=1) > 0.5)


def grey(at: tuple[float, float]) -> Stickers:
    cells = SURFACE.cells(SIDE, SIDE)
    return Stickers(np.full((N, 3, cells, cells), 0.5, dtype=np.float32), np.tile([*at, 0.0], (N, 1)))


def library() -> NDArray[np.float32]:
    made = textures(3, SURFACE.cells(SIDE, SIDE), np.random.default_rng(0))
    return np.broadcast_to(made, (N, *made.shape))


def found_by_textures() -> Stickers:
    draws = draws_for(SEEDS, 1, 4)
    return search_textures(by_answer(MODEL.labels), PICTURES, SURFACE, library(), POSES, draws, OWN)


def test_grey_turns_nothing_wherever_it_sticks() -> None:
    assert not any(broken(grey((down, across))).any() for down, across, _ in POSES)


def test_labels_find_texture_and_place() -> None:
    found = found_by_textures()
    assert broken(found).all()
    assert found.poses is not None
    assert (found.poses[:, :2] <= 0.5).all()


def test_scores_find_texture_and_place_from_afar() -> None:
    scale = usual_margin(MODEL.scores, PICTURES.x, PICTURES.y)
    draws = draws_for(SEEDS, 1, 4)
    start = grey((0.5, 0.5))
    found = search_patches(by_lead(MODEL.scores, scale), PICTURES, SURFACE, start, draws, OWN, SEEDS, rounds=300)
    assert broken(found).all()
    assert not broken(start).any()
    assert (start.patches == 0.5).all()


def test_gradients_paint_what_the_corner_wants() -> None:
    wanted = np.full(N, -1)
    found = climb_patches(MODEL.slope, PICTURES, SURFACE, grey((0.2, 0.2)), wanted, OWN, SEEDS, steps=15, views=4)
    assert broken(found).all()
    middle = found.patches[:, :, 2:4, 2:4]
    assert (middle[:, 0] > 0.9).all()
    assert (middle[:, 2] < 0.1).all()


def test_one_patch_serves_all_pictures() -> None:
    """Made on some pictures, judged on others that it has not seen."""
    shown_on = np.arange(N)[None, :]
    one = grey((0.2, 0.2)).take(np.array([0]))
    found = climb_patches(MODEL.slope, PICTURES, SURFACE, one, np.array([-1]), shown_on, SEEDS[:1], steps=15, views=12)
    fresh = grey_pictures(12)
    others = Pictures(fresh.x[N:], fresh.y[N:], 0.0, 1.0)
    copies = found.take(np.zeros(6, dtype=np.int64))
    answers = answers_in_views(
        MODEL.labels, others, SURFACE, copies, draws_for(SEEDS[:6], 3, 20), np.arange(6)[:, None]
    )
    assert (answers != others.y[:, None]).mean() > 0.8


def test_a_sample_is_attacked_as_if_it_were_alone() -> None:
    draws, alone = draws_for(SEEDS, 1, 4), np.array([3])
    scale = usual_margin(MODEL.scores, PICTURES.x, PICTURES.y)

    def attacked(rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        texture = search_textures(
            by_answer(MODEL.labels), PICTURES, SURFACE, library()[rows], POSES, draws[rows], OWN[rows]
        )
        lead = by_lead(MODEL.scores, scale)
        searched = search_patches(lead, PICTURES, SURFACE, texture, draws[rows], OWN[rows], SEEDS[rows], rounds=20)
        climbed = climb_patches(
            MODEL.slope, PICTURES, SURFACE, texture, np.full(len(rows), -1), OWN[rows], SEEDS[rows], steps=3, views=2
        )
        return searched.patches, climbed.patches

    for together, single in zip(attacked(np.arange(N)), attacked(alone), strict=True):
        assert (together[3] == single[0]).all()


def test_an_answer_that_changed_is_worth_more_than_any_lead() -> None:
    x = np.random.default_rng(2).random((50, 3, SIDE, SIDE)).astype(np.float32)
    x[:25, 0] += 0.3
    y = np.zeros(50, dtype=np.int64)
    worth = by_both(MODEL.scores, 0.1)(x, y)
    changed = MODEL.labels(x) != 0
    assert changed.any()
    assert worth[changed].min() > worth[~changed].max()
    assert (by_answer(MODEL.labels)(x, y) == changed).all()


def test_worth_is_the_mean_over_views() -> None:
    draws = draws_for(SEEDS, 1, 5)
    stickers = found_by_textures()
    answers = answers_in_views(MODEL.labels, PICTURES, SURFACE, stickers, draws, OWN)
    worth = worth_in_views(by_answer(MODEL.labels), PICTURES, SURFACE, stickers, draws, OWN)
    assert worth == pytest.approx((answers != PICTURES.y[:, None]).mean(axis=1))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("cells", [2, 5, 48])
def test_textures_come_in_any_size_and_all_differ(channels: int, cells: int) -> None:
    made = np.concatenate([textures(channels, cells, np.random.default_rng(0)), bars(channels, cells)])
    assert made.shape[1:] == (channels, cells, cells)
    assert ((made == 0) | (made == 1) | (made == 0.5)).all()
    assert len(np.unique(made.reshape(len(made), -1), axis=0)) >= 6


def test_photographs_keep_their_light() -> None:
    x = np.random.default_rng(4).random((3, 2, 17, 11)).astype(np.float32)
    for cells in (2, 5, 30):
        small = photographs(x, cells)
        assert small.shape == (3, 2, cells, cells)
        assert small.mean(axis=(2, 3)) == pytest.approx(x.mean(axis=(2, 3)), abs=1e-5)


def test_a_refusal_to_answer_is_worth_nothing() -> None:
    scores = np.array([[3.0, 1.0, 2.0], [1.0, 4.0, 2.0], [1.0, 2.0, 3.0]])
    y = np.array([0, 0, 0])
    assert lead(scores, y).tolist() == [-1, 3, 2]
    assert lead(scores, y, refusal=1).tolist() == [-1, -2, 1]
    x = np.zeros((3, 3, SIDE, SIDE), dtype=np.float32)
    assert by_answer(lambda _: scores.argmax(axis=1), refusal=1)(x, y).tolist() == [0, 0, 1]
