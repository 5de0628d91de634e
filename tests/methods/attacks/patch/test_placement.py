"""Where patches land: never more pixels than allowed, nothing else touched, and an exact derivative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.attacks.patch.placement import Surface, Views, land, place, pull_back
from touchstone.methods.attacks.patch.views import Poses, draws_for, views_of


def still(m: int, **changed: object) -> Views:
    """Views from straight ahead, in the middle, in the light the patch was printed for."""
    fields: dict[str, object] = {
        "centre": np.full((m, 2), 0.5),
        "angle": np.zeros(m),
        "scale": np.ones(m),
        "tilt": np.zeros((m, 2)),
        "contrast": np.ones(m),
        "brightness": np.zeros(m),
        "noise": np.arange(m),
    }
    return Views(**(fields | changed))  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(4, 40),
    st.integers(4, 40),
    st.floats(0.0, 1.0),
    st.sampled_from([1.0, 6.0]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]),
)
def test_no_view_covers_more_than_its_share_and_the_rest_is_exact(
    channels: int, height: int, width: int, share: float, aspect: float, seed: int, legal: tuple[float, float]
) -> None:
    generator = np.random.default_rng(seed)
    low, high = legal
    x = generator.uniform(low, high, (6, channels, height, width)).astype(np.float32)
    surface = Surface(share, aspect)
    cells = surface.cells(height, width)
    poses: Poses = np.column_stack([generator.random((3, 2)), generator.uniform(0, np.pi, 3)])
    views = views_of(draws_for(generator.integers(2**53, size=3), 1, 2), poses)
    patches = generator.random((3, channels, cells, cells)).astype(np.float32)
    landing = land(views, surface, cells, height, width)
    placed = place(x, patches, np.repeat(np.arange(3), 2), landing, low, high)
    changed = (placed != x).any(axis=1)
    assert (changed.reshape(6, -1).sum(axis=1) <= share * height * width + 1e-6).all()
    shown = np.zeros_like(changed)
    shown[landing.view, landing.row, landing.column] = True
    assert not (changed & ~shown).any()
    assert placed.min() >= low
    assert placed.max() <= high


def test_a_patch_lies_where_it_is_stuck() -> None:
    x = np.zeros((2, 1, 40, 40), dtype=np.float32)
    views = still(2, centre=np.array([[0.25, 0.25], [0.75, 0.5]]))
    placed = place(
        x, np.ones((1, 1, 4, 4), np.float32), np.zeros(2, np.int64), land(views, Surface(0.04), 4, 40, 40), 0, 1
    )
    for picture, centre in zip(placed[:, 0], ((10, 10), (30, 20)), strict=True):
        rows, columns = np.nonzero(picture)
        assert len(rows) == 64
        assert (rows.mean() + 0.5, columns.mean() + 0.5) == centre


def test_a_quarter_turn_turns_the_patch() -> None:
    halves = np.zeros((1, 1, 8, 8), dtype=np.float32)
    halves[..., 4:] = 1
    views = still(2, angle=np.array([0.0, np.pi / 2]), noise=np.zeros(2, np.int64))
    x = np.zeros((2, 1, 16, 16), dtype=np.float32)
    placed = place(x, halves, np.zeros(2, np.int64), land(views, Surface(0.25), 8, 16, 16), 0, 1)
    upright, turned = placed[:, 0, 4:12, 4:12]
    assert upright[:, 4:].mean() > upright[:, :4].mean() + 0.5
    assert turned[4:].mean() > turned[:4].mean() + 0.5


def test_perspective_makes_one_edge_longer() -> None:
    views = still(1, tilt=np.array([[0.4, 0.0]]))
    landing = land(views, Surface(0.3), 8, 60, 60)
    lengths = np.bincount(landing.row)
    lengths = lengths[lengths > 0]
    assert abs(int(lengths[1]) - int(lengths[-2])) > 5


def test_the_way_back_is_the_derivative_of_placing() -> None:
    generator = np.random.default_rng(3)
    x = generator.random((4, 2, 12, 15)).astype(np.float32)
    patches = generator.uniform(0.3, 0.7, (2, 2, 5, 5))
    owner = np.array([0, 0, 1, 1])
    views = views_of(draws_for(np.array([5, 6]), 1, 2), np.array([[0.5, 0.5, 0.3], [0.4, 0.6, 1.0]]))
    landing = land(views, Surface(0.3), 5, 12, 15)
    slope = generator.normal(size=x.shape).astype(np.float32)

    def value(candidate: np.ndarray) -> float:
        placed = place(x, candidate.astype(np.float32), owner, landing, -1.0, 3.0)
        return float((placed.astype(np.float64) * slope).sum())

    gradient = pull_back(slope, patches.astype(np.float32), owner, landing, -1.0, 3.0)
    for _ in range(20):
        direction = generator.normal(size=patches.shape)
        step = 1e-3
        measured = (value(patches + step * direction) - value(patches - step * direction)) / (2 * step)
        assert measured == pytest.approx(float((gradient * direction).sum()), rel=2e-2, abs=2e-2)


def test_what_is_overexposed_does_not_change_with_the_patch() -> None:
    views = still(1, brightness=np.array([2.0]))
    landing = land(views, Surface(0.3), 4, 10, 10)
    patches = np.full((1, 1, 4, 4), 0.5, dtype=np.float32)
    gradient = pull_back(np.ones((1, 1, 10, 10), np.float32), patches, np.zeros(1, np.int64), landing, 0, 1)
    assert not gradient.any()


def test_views_follow_from_the_sample_alone() -> None:
    together, alone = draws_for(np.array([4, 9]), 3, 5), draws_for(np.array([9]), 3, 5)
    assert (together[1] == alone[0]).all()
    assert (draws_for(np.array([9]), 2, 5) != alone).any()


def test_only_pixels_within_reach_are_looked_at_and_none_is_missed() -> None:
    """A small patch on a large picture, at its edges and corners too, as on the same picture looked at in whole."""
    corners = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 0.5], [0.31, 0.77], [1.0, 0.2]])
    tilted = np.tile([0.2, -0.2], (5, 1))
    views = still(5, centre=corners, tilt=tilted, angle=np.linspace(0, 1, 5))
    near = land(views, Surface(0.01), 6, 120, 90)
    nearly_flat = still(6, centre=np.vstack([corners, [[0.5, 0.5]]]), tilt=np.vstack([tilted, [[0.6, 0.6]]]))
    nearly_flat.angle[:5] = views.angle
    whole = land(nearly_flat, Surface(0.01), 6, 120, 90)
    assert len(near.view) > 100
    for name in ("view", "row", "column"):
        assert (getattr(near, name) == getattr(whole, name)[whole.view < 5]).all()
