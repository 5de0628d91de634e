import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.optics import (
    bell,
    between,
    centred_grid,
    clouds,
    convolve,
    disk,
    lines,
    resampled,
    stretched,
)


@settings(max_examples=30, deadline=None)
@given(height=st.integers(3, 20), width=st.integers(3, 20), radius=st.floats(0.1, 6), seed=st.integers(0, 99))
def test_convolution_is_that_of_the_textbook(height: int, width: int, radius: float, seed: int) -> None:
    x = np.random.default_rng(seed).random((2, 3, height, width)).astype(np.float32)
    kernel = disk(radius)
    expected = ndimage.convolve(x, (kernel / kernel.sum())[None], mode="nearest")
    np.testing.assert_allclose(convolve(x, kernel), expected, atol=1e-5)


def test_every_picture_can_have_a_kernel_of_its_own() -> None:
    x = np.random.default_rng(0).random((3, 1, 12, 9)).astype(np.float32)
    kernels = lines(5, np.array([0, 0.7, 1.5], dtype=np.float32))
    each = [convolve(x[i : i + 1], kernels[i : i + 1]) for i in range(3)]
    np.testing.assert_array_equal(convolve(x, kernels), np.concatenate(each))


def test_a_bell_has_its_width() -> None:
    kernel = bell(2.0)[0]
    reach = np.arange(len(kernel)) - len(kernel) // 2
    assert (kernel.sum(axis=0) / kernel.sum() * reach**2).sum() == pytest.approx(4, rel=0.03)


@settings(max_examples=30, deadline=None)
@given(length=st.integers(1, 40), points=st.integers(1, 40), zoom=st.floats(1, 3))
def test_interpolation_weighs_to_one_and_keeps_straight_lines(length: int, points: int, zoom: float) -> None:
    matrix = between(length, points, zoom=zoom)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
    if length > 1:
        middle = (points - 1) / 2
        expected = np.linspace(-middle, middle, length) / zoom + middle
        np.testing.assert_allclose(matrix @ np.arange(points), expected, atol=1e-3)


def test_points_are_drawn_out_over_a_picture() -> None:
    corners = np.array([[[[0, 1], [2, 3]]]], dtype=np.float32)
    np.testing.assert_allclose(stretched(corners, 3, 3)[0, 0], [[0, 0.5, 1], [1, 1.5, 2], [2, 2.5, 3]], atol=1e-6)


def test_resampling_nowhere_changes_nothing_and_one_pixel_is_one_pixel() -> None:
    x = np.random.default_rng(1).random((2, 4, 7, 6)).astype(np.float32)
    rows, columns = centred_grid(x)
    np.testing.assert_allclose(resampled(x, rows, columns), x, atol=1e-6)
    np.testing.assert_allclose(resampled(x, rows + 1, columns)[:, :, :-1], x[:, :, 1:], atol=1e-6)
    np.testing.assert_allclose(resampled(x, rows, columns + 9), np.repeat(x[..., -1:], 6, axis=-1), atol=1e-6)


def test_clouds_fill_their_range_and_are_rough_at_every_scale() -> None:
    field = clouds(np.zeros((4, 1, 64, 64), dtype=np.float32), SampleDraws(0, range(4)))
    assert (field.min(), field.max()) == (0, 1)
    near, far = (np.abs(field[..., step:] - field[..., :-step]).mean() for step in (1, 16))
    assert 0 < near < far / 4
