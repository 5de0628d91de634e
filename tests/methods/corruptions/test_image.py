import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.image import CONDITION_FAMILIES, PICTURE_FAMILIES, corrupt_pictures
from touchstone.methods.corruptions.optics import Pictures
from touchstone.methods.corruptions.severity import SEVERITIES

IMAGENET_C = {
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness", "contrast", "elastic", "pixelate", "jpeg"),
}
MOVING = ("translation", "rotation", "scaling", "shear", "perspective", "elastic")

every_family = pytest.mark.parametrize("family", CONDITION_FAMILIES)


def scene(n: int = 6, channels: int = 3, height: int = 32, width: int = 32) -> Pictures:
    """Smooth pictures with an edge in them, so that every corruption has something to spoil."""
    generator = np.random.default_rng(5)
    rows = np.linspace(0.1, 0.6, height)[:, None]
    columns = 0.15 + 0.15 * np.sin(np.arange(width) / 1.7)[None, :]
    tint = generator.uniform(0, 0.1, size=(n, channels, 1, 1))
    return (rows + columns + tint).astype(np.float32)


def corrupted(family: str, x: Pictures, severity: int, seed: int = 0) -> Pictures:
    return corrupt_pictures(family, x, severity, SampleDraws(seed, range(len(x))), low=0.0, high=1.0)


def test_all_fifteen_families_of_imagenet_c_are_there() -> None:
    assert set(PICTURE_FAMILIES) >= IMAGENET_C


@every_family
@settings(max_examples=15, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.sampled_from([1, 2, 3, 4, 7]), st.integers(3, 20), st.integers(3, 20)),
    legal=st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (0.1, 0.3)]),
    severity=st.sampled_from(SEVERITIES),
    seed=st.integers(0, 2**32 - 1),
)
def test_shape_type_and_range_are_kept(
    family: str, shape: tuple[int, int, int, int], legal: tuple[float, float], severity: int, seed: int
) -> None:
    low, high = legal
    x = np.random.default_rng(seed).uniform(low, high, size=shape).astype(np.float32)
    before = x.copy()
    out = corrupt_pictures(family, x, severity, SampleDraws(seed, range(len(x))), low=low, high=high)
    assert out.shape == shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    # The legal limits themselves may not be float32 numbers.
    assert (np.float32(low) <= out).all()
    assert (out <= np.float32(high)).all()
    np.testing.assert_array_equal(x, before)


@every_family
def test_severity_zero_is_the_identity(family: str) -> None:
    x = scene()
    np.testing.assert_array_equal(corrupted(family, x, 0), x)


@every_family
@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 32, 32), (4, 28, 40)])
def test_it_hurts_more_with_every_severity(family: str, shape: tuple[int, int, int]) -> None:
    x = scene(16, *shape)
    distance = [float(np.abs(corrupted(family, x, severity) - x).mean()) for severity in SEVERITIES]
    assert distance[0] > 0
    assert distance == sorted(distance)


@every_family
def test_what_happens_to_a_picture_does_not_depend_on_its_batch(family: str) -> None:
    x = scene(5, height=24, width=17)
    together = corrupted(family, x, 3, seed=8)
    alone = [
        corrupt_pictures(family, x[row : row + 1], 3, SampleDraws(8, [row]), low=0.0, high=1.0) for row in range(5)
    ]
    np.testing.assert_array_equal(together, np.concatenate(alone))


@pytest.mark.parametrize(
    "family",
    ["gaussian_noise", "shot_noise", "impulse_noise", "glass_blur", "snow", "frost", "fog", "rain", "night", "dust"],
)
def test_pictures_are_spoilt_independently(family: str) -> None:
    x = np.repeat(scene(1), 2, axis=0)
    first, second = corrupted(family, x, 3)
    assert (first != second).any()


@pytest.mark.parametrize(
    "family", ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "pixelate", "contrast", *MOVING]
)
def test_a_plain_picture_has_nothing_to_blur_or_move(family: str) -> None:
    x = np.full((3, 3, 16, 12), 0.4, dtype=np.float32)
    np.testing.assert_allclose(corrupted(family, x, 5), x, atol=1e-5)


def test_known_values() -> None:
    x = scene(2)
    np.testing.assert_allclose(corrupted("brightness", x, 5), np.clip(x + 0.3, 0, 1), atol=1e-6)
    spread = corrupted("contrast", x, 3).std(axis=(1, 2, 3)) / x.std(axis=(1, 2, 3))
    np.testing.assert_allclose(spread, 0.45, rtol=1e-3)
    noise = corrupted("gaussian_noise", np.full((20, 1, 32, 32), 0.5, dtype=np.float32), 2) - 0.5
    assert float(noise.std()) == pytest.approx(0.06, rel=0.03)
    hit = corrupted("impulse_noise", np.full((20, 1, 32, 32), 0.5, dtype=np.float32), 5) != 0.5
    assert float(hit.mean()) == pytest.approx(0.1, rel=0.1)


def test_a_moved_picture_is_moved_by_that_much() -> None:
    x = np.zeros((40, 1, 33, 33), dtype=np.float32)
    x[:, :, 16, 16] = 1
    moved = corrupted("translation", x, 5)
    rows, columns = np.mgrid[:33, :33] - 16
    weight = moved[:, 0] / moved[:, 0].sum(axis=(1, 2), keepdims=True)
    distance = np.hypot((weight * rows).sum(axis=(1, 2)), (weight * columns).sum(axis=(1, 2)))
    np.testing.assert_allclose(distance, 0.16 * 33, rtol=1e-3)


def test_both_ways_of_turning_occur() -> None:
    x = np.zeros((20, 1, 33, 33), dtype=np.float32)
    x[:, :, 16, 26] = 1
    turned = corrupted("rotation", x, 4)
    up, down = turned[:, 0, :16].sum(axis=(1, 2)), turned[:, 0, 17:].sum(axis=(1, 2))
    assert (up > down).any()
    assert (down > up).any()


def test_fog_veils_and_does_not_shift() -> None:
    """Contrast is lost, and what is left of it is where it was."""
    x = scene(8)
    foggy = corrupted("fog", x, 4)
    assert foggy.mean() > x.mean() + 0.2
    assert (foggy.std(axis=(2, 3)) < 0.7 * x.std(axis=(2, 3))).all()
    black, white = (corrupted("fog", np.full((4, 1, 20, 20), value, np.float32), 4) for value in (0.0, 1.0))
    assert ((white - black) > 0).all()
    assert (white - black).max() < 0.75


def test_frost_comes_from_the_edges() -> None:
    change = np.abs(corrupted("frost", np.full((60, 1, 40, 40), 0.2, np.float32), 2) - 0.2).mean(axis=(0, 1))
    assert change[:4].mean() > 1.5 * change[16:24, 16:24].mean()


def test_an_aged_lamp_is_weakest_in_the_corners() -> None:
    dim = corrupted("dimming", np.ones((1, 1, 21, 21), dtype=np.float32), 3)[0, 0]
    assert dim[0, 0] < dim[10, 0] < dim[10, 10] < 1
