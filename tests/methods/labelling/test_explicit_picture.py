"""Marks are found in pictures at any size that matters, measured, and not found where none are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from touchstone.methods.labelling.explicit_picture import (
    FARTHEST,
    FOUND,
    Mark,
    Shades,
    find_mark,
    mark_of,
    scaled,
)


def drawn(text: str, size: float) -> Shades:
    """Text as ink, with some ground around it."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = map(int, font.getbbox(text))
    image = Image.new("L", (right - left + 20, bottom - top + 20))
    ImageDraw.Draw(image).text((10 - left, 10 - top), text, fill=255, font=font)
    return np.asarray(image) / 255.0


def mark(text: str = "AI generated") -> Mark:
    found = mark_of(drawn(text, 60), None)
    assert found is not None
    return found


def scene(seed: int, shape: tuple[int, int] = (300, 400)) -> Shades:
    """A picture of slow and fast changes."""
    generator = np.random.default_rng(seed)
    layers = (
        weight * scaled(generator.uniform(size=(rows, 2 * rows)), max(shape) / rows)[: shape[0], : shape[1]]
        for rows, weight in ((4, 0.5), (25, 0.2), (100, 0.1))
    )
    whole: Shades = np.sum(list(layers), axis=0)
    return whole


def with_mark(picture: Shades, height: float, *, top: int | None = None, dark: bool = False) -> Shades:
    """The picture with the mark at its right edge, `height` of its shorter side high, at the bottom or below `top`."""
    ink = scaled(mark().ink, height * min(picture.shape) / mark().ink.shape[0])
    top = picture.shape[0] - ink.shape[0] - 8 if top is None else top
    result = picture.copy()
    part = result[top : top + ink.shape[0], -ink.shape[1] - 8 : -8]
    part += 0.85 * ink * ((0 if dark else 1) - part)
    return result


@pytest.mark.parametrize("height", [0.05, 0.062, 0.09, 0.15])
@pytest.mark.parametrize("dark", [False, True])
def test_a_mark_is_found_and_measured(height: float, dark: bool) -> None:
    picture = scene(1) if not dark else 1 - scene(1)
    seen = find_mark(with_mark(picture, height, dark=dark), mark())
    assert seen.score > FOUND
    assert seen.height == pytest.approx(height, rel=0.03)
    assert seen.distance <= FARTHEST
    assert seen.tall_enough


def test_what_is_too_small_or_not_at_an_edge_is_measured_too() -> None:
    small = find_mark(with_mark(scene(2), 0.038), mark())
    assert small.score > FOUND
    assert not small.tall_enough
    middle = find_mark(np.pad(with_mark(scene(2), 0.06), ((0, 90), (0, 90)), mode="wrap"), mark())
    assert middle.score > FOUND
    assert middle.distance > FARTHEST


def test_a_mark_that_touches_the_corner_is_found() -> None:
    picture = scene(3)
    ink = scaled(mark().ink, 0.07 * 300 / mark().ink.shape[0])
    picture[-ink.shape[0] :, -ink.shape[1] :] *= 1 - ink
    seen = find_mark(picture, mark())
    assert seen.score > FOUND
    assert seen.distance == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_found_where_nothing_is(seed: int) -> None:
    assert find_mark(scene(seed + 10), mark()).score < FOUND


def test_other_writing_is_not_the_mark() -> None:
    picture = scene(4)
    other = drawn("Holiday photo", 22)
    picture[-other.shape[0] :, : other.shape[1]] = np.maximum(picture[-other.shape[0] :, : other.shape[1]], other)
    assert find_mark(picture, mark()).score < FOUND


def test_a_mark_lives_through_compression() -> None:
    content = io.BytesIO()
    Image.fromarray((with_mark(scene(5), 0.06) * 255).astype(np.uint8)).save(content, "JPEG", quality=50)
    again = np.asarray(Image.open(content), dtype=float) / 255
    assert find_mark(again, mark()).score > FOUND


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (9, 9), (40, 3)])
def test_tiny_pictures_are_no_trouble(shape: tuple[int, int]) -> None:
    assert find_mark(np.zeros(shape), mark()).score < FOUND
    assert find_mark(np.random.default_rng(0).uniform(size=shape), mark()).score <= 1


def test_a_mark_is_cut_out_of_its_picture() -> None:
    ink = np.zeros((20, 30))
    ink[5:9, 10:22] = 1
    light = mark_of(0.2 + 0.5 * ink, None)
    transparent = mark_of(np.ones((20, 30)), ink)
    assert light is not None
    assert transparent is not None
    assert light.ink.shape == transparent.ink.shape == (4, 12)
    assert mark_of(np.full((5, 5), 0.3), np.ones((5, 5))) is None


def test_large_pictures_are_made_small_first() -> None:
    picture = scene(1, (2_500, 3_000))
    seen = find_mark(with_mark(picture, 0.06), mark())
    assert seen.score > FOUND
    assert seen.height == pytest.approx(0.06, rel=0.03)
    assert scaled(np.ones((4_000, 32_000)), 0.05) == pytest.approx(1)


def test_lines_share_the_height() -> None:
    two = Mark(mark().ink, lines=2)
    picture = with_mark(scene(1), 0.09)
    assert find_mark(picture, two).height == pytest.approx(0.045, rel=0.03)
    assert not find_mark(picture, two).tall_enough
