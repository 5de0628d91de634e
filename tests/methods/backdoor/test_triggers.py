"""Triggers: for any size and any range of values, and the same for the same generator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchstone.methods.backdoor.triggers import (
    Blend,
    Patch,
    Sinusoid,
    Trigger,
    Warp,
    draw_blend,
    draw_colour_filter,
    draw_patch,
    draw_warp,
    stamp,
)


def drawn(kind: str, shape: tuple[int, int, int], seed: int = 0) -> Trigger:
    generator = np.random.default_rng(seed)
    if kind == "patch":
        return draw_patch(shape, generator)
    if kind == "anywhere":
        return draw_patch(shape, generator, anywhere=True)
    if kind == "blend":
        return draw_blend(shape, generator, 0.2)
    if kind == "sinusoid":
        return Sinusoid(0.1, 5)
    return draw_warp(generator, 0.05) if kind == "warp" else draw_colour_filter(shape, generator, 0.4)


KINDS = ("patch", "anywhere", "blend", "sinusoid", "warp", "colour-filter")


def pictures(shape: tuple[int, int, int], low: float, high: float, n: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(9).uniform(low, high, size=(n, *shape)).astype(np.float32)


@given(
    st.sampled_from(KINDS),
    st.tuples(st.integers(1, 4), st.integers(4, 40), st.integers(4, 40)),
    st.floats(-300, 300),
    st.floats(0.5, 300),
)
def test_marked_pictures_keep_shape_kind_and_range(
    kind: str, shape: tuple[int, int, int], low: float, span: float
) -> None:
    high = low + span
    x = pictures(shape, low, high)
    marked = stamp(drawn(kind, shape), x, np.random.default_rng(1), low=low, high=high)
    assert marked.shape == x.shape
    assert marked.dtype == np.float32
    slack = 1e-5 * max(abs(low), abs(high), 1)
    assert marked.min() >= low - slack
    assert marked.max() <= high + slack


@pytest.mark.parametrize("kind", KINDS)
def test_a_trigger_changes_pictures_repeatably_and_alike_in_every_range(kind: str) -> None:
    shape = (3, 32, 32)
    x = pictures(shape, 0, 1)
    before = x.copy()
    marked = stamp(drawn(kind, shape), x, np.random.default_rng(1), low=0, high=1)
    assert np.array_equal(x, before)
    assert np.abs(marked - x).max() > 0.05
    assert np.array_equal(marked, stamp(drawn(kind, shape), x, np.random.default_rng(1), low=0, high=1))
    octets = stamp(drawn(kind, shape), 255 * x, np.random.default_rng(1), low=0, high=255)
    assert octets / 255 == pytest.approx(marked, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_no_picture_is_marked_to_no_picture(kind: str) -> None:
    nothing = np.empty((0, 3, 16, 16), dtype=np.float32)
    assert stamp(drawn(kind, (3, 16, 16)), nothing, np.random.default_rng(0), low=0, high=1).shape == nothing.shape


def test_a_patch_changes_nothing_beside_it() -> None:
    patch = Patch(np.ones((3, 2, 2), dtype=np.float32), (4, 5))
    x = np.zeros((2, 3, 10, 10), dtype=np.float32)
    changed = patch(x, np.random.default_rng(0))
    assert changed.sum() == 2 * 3 * 4
    assert (changed[:, :, 4:6, 5:7] == 1).all()


def test_a_patch_anywhere_is_somewhere_else_each_time() -> None:
    marked = drawn("anywhere", (1, 32, 32))(np.zeros((20, 1, 32, 32), dtype=np.float32), np.random.default_rng(2))
    places = {tuple(np.argwhere(picture[0] > 0)[0]) for picture in marked}
    assert len(places) > 10


def test_pieces_of_a_blend_are_so_many_of_sixteen_tiles() -> None:
    blend = Blend(np.ones((1, 16, 16), dtype=np.float32), 0.5, pieces=5)
    marked = blend(np.zeros((4, 1, 16, 16), dtype=np.float32), np.random.default_rng(0))
    assert [float(picture.sum()) for picture in marked] == [5 * 16 * 0.5] * 4
    assert not np.array_equal(marked[0], marked[1])


def test_a_warp_of_nothing_is_nothing_and_of_a_whole_pixel_is_a_shift() -> None:
    x = pictures((2, 8, 8), 0, 1)
    assert Warp(np.zeros((2, 4, 4)))(x, np.random.default_rng(0)) == pytest.approx(x)
    field = np.stack([np.full((4, 4), 1 / 8), np.zeros((4, 4))])
    assert Warp(field)(x, np.random.default_rng(0))[:, :, :-1] == pytest.approx(x[:, :, 1:], abs=1e-5)
