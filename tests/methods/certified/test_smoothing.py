"""Randomised smoothing: the plan errs as seldom as it says, and decides what is known of a linear classifier."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

from touchstone.methods.certified.smoothing import ERROR, FIXED_SAMPLES, Plan, certify_smoothed

SIGMA = 0.25


def wrong_share(plan: Plan, probability: float, *, certified: bool) -> float:
    """Exact chance that the plan ends with the given decision: the distribution of counts, look by look."""
    counts, taken, decided = np.ones(1), 0, 0.0
    for look, size in enumerate(plan.looks):
        counts = np.convolve(counts, binom.pmf(np.arange(size - taken + 1), size - taken, probability))
        yes, no = plan.decide(look, np.arange(size + 1))
        decided += counts[yes if certified else no].sum()
        counts[yes | no] = 0
        taken = int(size)
    return decided


@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.0])
def test_either_wrong_decision_is_as_rare_as_stated(ratio: float) -> None:
    """At the limit itself, where errors are most likely; a large error so that the sum is not all rounding."""
    plan = Plan.for_radius(ratio * SIGMA, SIGMA, error=0.05, most=3200)
    assert plan.demanded == pytest.approx(norm.cdf(ratio))
    assert 0 < wrong_share(plan, plan.demanded, certified=True) <= 0.05
    assert wrong_share(plan, plan.demanded, certified=False) <= 0.05


def test_looks_grow_to_the_fixed_size() -> None:
    plan = Plan.for_radius(SIGMA, SIGMA)
    assert plan.looks[-1] == FIXED_SAMPLES
    assert (np.diff(plan.looks) > 0).all()
    assert (plan.too_few < plan.enough).all()
    assert len(Plan.for_radius(SIGMA, SIGMA, looks=1).looks) == 1


class Halfspace:
    """Class 1 where the first element is above zero; counts its questions."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        self.asked += len(x)
        return (x[:, 0] > 0).astype(np.int64)


def test_a_halfspace_is_certified_up_to_its_distance() -> None:
    """Known answer: noise leaves the class with p = CDF(distance / sigma), so the radius is the distance."""
    distances = np.array([0.1, 0.2, 0.24, 0.26, 0.3, 0.4, 1.0])
    x = np.zeros((7, 5), dtype=np.float32)
    x[:, 0] = distances
    model = Halfspace()
    found = certify_smoothed(
        model, x, np.ones(7, dtype=np.int64), radius=0.25, sigma=SIGMA, seed=1, ids=np.arange(7), most=50_000
    )
    assert found.decisions == (*["not certified"] * 3, *["certified"] * 4)
    assert found.certified.tolist() == (distances > 0.25).tolist()
    assert found.samples[-1] < 200
    assert model.asked == found.samples.sum()
    assert (found.agreeing <= found.samples).all()


def test_on_the_limit_it_abstains() -> None:
    x = np.full((3, 1), 0.25, dtype=np.float32)
    found = certify_smoothed(
        Halfspace(), x, np.ones(3, dtype=np.int64), radius=0.25, sigma=SIGMA, seed=1, ids=np.arange(3), most=2000
    )
    assert found.decisions == ("abstain",) * 3
    assert (found.samples == 2000).all()


def test_the_batch_and_the_neighbours_do_not_matter() -> None:
    x = np.linspace(0.2, 0.3, 6, dtype=np.float32)[:, None]
    y = np.ones(6, dtype=np.int64)
    whole = certify_smoothed(Halfspace(), x, y, radius=0.25, sigma=SIGMA, seed=5, ids=np.arange(6), most=5000)
    part = certify_smoothed(
        Halfspace(), x[2:4], y[2:4], radius=0.25, sigma=SIGMA, seed=5, ids=np.array([2, 3]), most=5000, batch=77
    )
    assert part.decisions == whole.decisions[2:4]
    assert (part.agreeing == whole.agreeing[2:4]).all()


def test_the_wrong_class_is_not_certified() -> None:
    found = certify_smoothed(
        Halfspace(), np.ones((2, 1), dtype=np.float32), np.zeros(2, dtype=np.int64),
        radius=0.1, sigma=SIGMA, seed=1, ids=np.arange(2),
    )  # fmt: skip
    assert not found.certified.any()
    assert found.samples.max() <= 50


@pytest.mark.parametrize(("radius", "sigma"), [(0.0, 1.0), (1.0, 0.0), (math.nan, 1.0)])
def test_a_plan_needs_a_radius_and_noise(radius: float, sigma: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Plan.for_radius(radius, sigma, error=ERROR)
