"""Figures before and after, on the same samples, and the sentences that go with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.hardening.outcome import Change, mcnemar


def change(both: int, gained: int, lost: int, neither: int) -> Change:
    before = np.repeat([True, False, True, False], [both, gained, lost, neither])
    after = np.repeat([True, True, False, False], [both, gained, lost, neither])
    return Change.between(before, after)


def test_exact_mcnemar_by_hand() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert mcnemar(2, 1) == pytest.approx(1.0)
    assert mcnemar(3, 9) == mcnemar(9, 3) == pytest.approx(0.14599609375)  # sum of binomials over 2 ** 11


def test_pairs_are_counted() -> None:
    found = change(40, 15, 2, 3)
    assert (found.gained, found.lost, found.before.count, found.after.count) == (15, 2, 42, 55)
    assert found.direction == "up"
    assert change(40, 2, 15, 3).direction == "down"
    assert change(40, 5, 5, 10).direction == "open"


@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(any))
def test_bounds_hold_the_difference(counts: list[int]) -> None:
    found = change(*counts)
    difference = (found.gained - found.lost) / found.before.n
    assert float(found.low) <= difference <= float(found.high)
    assert (found.direction == "up") <= (found.gained > found.lost)


def test_bounds_cover_as_often_as_they_say() -> None:
    """Gains and losses are not independent; the bounds do not need that."""
    generator = np.random.default_rng(1)
    n, gain, loss = 80, 0.15, 0.05
    missed = 0
    for _ in range(400):
        gained, lost, _rest = generator.multinomial(n, [gain, loss, 1 - gain - loss])
        found = change(0, int(gained), int(lost), n - int(gained) - int(lost))
        missed += float(found.low) > gain - loss
    assert missed <= 400 * 0.05
