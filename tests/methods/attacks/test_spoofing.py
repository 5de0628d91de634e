"""False readings: only what is held changes, and it changes in the way it is named for."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.attacks.spoofing import SPOOFS, Usual, sensors_in, spoofed, usual_readings


def series(n: int, channels: int, time: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(n, channels, time)).astype(np.float32)


@pytest.mark.parametrize("kind", SPOOFS)
def test_only_what_is_held_changes(kind: str) -> None:
    x, recorded = series(5, 3, 12), series(10, 3, 12)[5:]
    usual = Usual(np.zeros((3, 12), np.float32), -10.0, 10.0, series=True)
    held = sensors_in(np.ones((3, 12), dtype=bool), series=True)[1]
    false = spoofed(kind, x, recorded, held, usual)
    assert (false[:, [0, 2]] == x[:, [0, 2]]).all()
    assert (false[:, 1] != x[:, 1]).any(axis=1).all()
    assert (spoofed(kind, x, recorded, np.zeros_like(held), usual) == x).all()


def test_each_kind_is_what_it_is_called() -> None:
    x, recorded = series(4, 1, 8), series(8, 1, 8)[4:]
    usual = Usual(np.full((1, 8), 0.5, np.float32), -2.0, 2.0, series=True)
    everything = np.ones((1, 8), dtype=bool)
    assert (spoofed("constant", x, recorded, everything, usual) == np.clip(x[..., :1], -2, 2)).all()
    assert (spoofed("replayed", x, recorded, everything, usual) == np.clip(recorded, -2, 2)).all()
    assert spoofed("mirrored", x, recorded, everything, usual) == pytest.approx(np.clip(1 - x, -2, 2), abs=1e-6)
    assert spoofed("scaled", x, recorded, everything, usual) == pytest.approx(np.clip(2 * x - 0.5, -2, 2), abs=1e-6)


def test_a_sensor_is_a_column_a_channel_or_a_stretch_of_the_only_one() -> None:
    assert len(sensors_in(np.array([True, False, True]), series=False)) == 2
    assert [held.sum() for held in sensors_in(np.ones((3, 10), dtype=bool), series=True)] == [10, 10, 10]
    windows = sensors_in(np.ones(10, dtype=bool), series=True)
    assert len(windows) == 4
    assert (np.sum(windows, axis=0) == 1).all()
    dead = np.zeros((2, 10), dtype=bool)
    assert sensors_in(dead, series=True) == []
    dead[1] = True
    assert not np.any([held[0] for held in sensors_in(dead, series=True)])


def test_the_middle_of_two_levels_does_not_depend_on_how_frequent_they_are() -> None:
    clean = np.where(np.arange(100) < 70, 1.0, 5.0).astype(np.float32)[:, None]
    assert usual_readings(clean, 0.0, 10.0, series=False).middle == pytest.approx([3.0])
