"""The sign renderer: deterministic, balanced, every sign unlike the others; the shipped pictures are its own."""

import numpy as np
import pytest

from tests.examples.scripts import EXAMPLES, load_script

render_signs = load_script("smart-city/render_signs.py")


def test_the_same_generator_state_gives_the_same_pictures() -> None:
    first, second, other = (render_signs.render_pictures(30, np.random.default_rng(seed)) for seed in (9, 9, 10))
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.light, second.light)
    assert not np.array_equal(first.pixels, other.pixels)


def test_every_sign_is_drawn_equally_often() -> None:
    pictures = render_signs.render_pictures(40, np.random.default_rng(1))
    assert np.bincount(pictures.label).tolist() == [4] * len(render_signs.LABELS)
    assert pictures.pixels.shape == (40, 3, 32, 32)
    assert set(pictures.camera) <= set(render_signs.CAMERAS)


def test_night_is_darker_than_day() -> None:
    pictures = render_signs.render_pictures(200, np.random.default_rng(2))
    brightness = pictures.pixels.mean(axis=(1, 2, 3))
    assert brightness[pictures.light == "night"].mean() < 0.7 * brightness[pictures.light == "day"].mean()


def test_pictures_hold_only_the_colours_of_the_camera() -> None:
    pixels = render_signs.render_pictures(20, np.random.default_rng(3)).pixels
    for channel, levels in enumerate((31, 63, 31)):
        assert set(np.unique(pixels[:, channel])) <= set(np.rint(np.arange(levels + 1) * 255 / levels).astype(int))


@pytest.mark.parametrize("sign", render_signs.SIGNS, ids=lambda sign: sign.name)
def test_signs_lie_inside_their_frame_and_no_two_look_alike(sign: object) -> None:
    ticks = np.linspace(-1.3, 1.3, 65)
    u, v = np.meshgrid(ticks, ticks)

    def drawn(design: object) -> np.ndarray:
        canvas = np.full((65, 65, 3), 0.5)
        for shape, colour in design.shapes:
            canvas[shape(u, v)] = colour
        return canvas

    picture = drawn(sign)
    assert (picture[u**2 + v**2 > 1.21**2] == 0.5).all()
    for other in render_signs.SIGNS:
        if other is not sign:
            assert np.abs(picture - drawn(other)).mean() > 0.03


def test_half_of_the_register_forbids_parking_in_every_district_alike() -> None:
    register = render_signs.render_register(80, np.random.default_rng(4))
    common = register.label == render_signs.LABELS.index(render_signs.COMMONEST)
    district = np.array([render_signs.DISTRICTS[str(camera)] for camera in register.camera])
    assert common.sum() == 40
    assert set(np.unique(register.label)) == set(range(len(render_signs.LABELS)))
    assert (common & (district == "harbour")).sum() == 20


@pytest.mark.parametrize("role", ["test", "reference"])
def test_shipped_pictures_are_the_renderers(role: str) -> None:
    made = load_script("smart-city/make_signs.py").register_pictures(role)
    with np.load(EXAMPLES / "smart-city" / "data" / f"{role}.npz") as shipped:
        assert np.array_equal(shipped["picture"], (made.pixels / 255).astype(np.float32))
        assert np.array_equal(shipped["sign"], made.label)
        assert np.array_equal(shipped["light"], made.light)
