"""Tables with constraints, for the tests."""

from __future__ import annotations

import numpy as np

from touchstone.methods.attacks.tabular_constraints import OneHot, Rule, TabularConstraints
from touchstone.methods.attacks.threat_model import Samples

_NAMES = ("age", "income", "debt", "sex", "clerk", "manager", "owner")


def _columns(**values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([values.get(name, values.get("other", 0.0)) for name in _NAMES])


CREDIT = TabularConstraints(
    names=_NAMES,
    reach=_columns(age=30, income=5000, debt=1000),
    low=_columns(age=18, other=0),
    high=_columns(age=100, income=100_000, debt=100_000, other=1),
    step=_columns(age=1, income=100),
    rise=_columns(age=1, other=1) > 0,
    fall=_columns(age=0, other=1) > 0,
    cost=_columns(age=2, income=0.01, debt=0.01),
    groups=(OneHot("occupation", np.array([4, 5, 6]), 5.0),),
    rules=(Rule(_columns(debt=1, income=-0.5), 0.0),),
    budget=20.0,
    units=("years", "CNY", "CNY", "", "", "", ""),
)
"""Applicants for credit."""


def credit_rows(n: int, seed: int = 0) -> Samples:
    """The first row is a clerk of 40 who earns 3,000 and owes 1,000."""
    generator = np.random.default_rng(seed)
    rows = np.zeros((n, len(_NAMES)), dtype=np.float32)
    rows[:, 0] = generator.integers(18, 80, n)
    rows[:, 1] = generator.integers(10, 80, n) * 100
    rows[:, 2] = np.floor(generator.random(n) * 0.5 * rows[:, 1])
    rows[:, 3] = generator.integers(0, 2, n)
    rows[np.arange(n), 4 + generator.integers(0, 3, n)] = 1
    rows[0] = [40, 3000, 1000, 0, 1, 0, 0]
    return rows


def random_constraints(seed: int) -> tuple[TabularConstraints, Samples, np.random.Generator]:
    """Any kind of constraints, and rows that need not keep them."""
    generator = np.random.default_rng(seed)
    d = int(generator.integers(1, 7))
    grouped = np.arange(d, d + 3 * generator.integers(0, 3))
    width = d + len(grouped)
    x = generator.normal(size=(5, width)).astype(np.float32)
    whole = generator.random(d) < 0.4
    x[:, :d][:, whole] = np.rint(4 * x[:, :d][:, whole])
    x[:, d:] = 0
    for start in range(d, width, 3):
        x[np.arange(5), start + generator.integers(0, 3, 5)] = generator.random(5) < 0.9
    reach = np.zeros(width)
    reach[:d] = generator.choice([0.0, 0.3, 2.0, 50.0], d)
    step = np.zeros(width)
    step[:d] = np.where(whole, 1.0, generator.choice([0.0, 0.05], d))
    weights = generator.choice([0.0, 1.0, -1.0, 0.37], (3, width))
    constraints = TabularConstraints(
        names=tuple(f"c{place}" for place in range(width)),
        reach=reach,
        low=np.where(generator.random(width) < 0.5, -1.0, -np.inf),
        high=np.where(generator.random(width) < 0.5, 1.0, np.inf),
        step=step,
        rise=generator.random(width) < 0.8,
        fall=generator.random(width) < 0.8,
        cost=generator.choice([0.0, 0.1, 3.0], width),
        groups=tuple(
            OneHot(f"g{start}", np.arange(start, start + 3), float(generator.integers(0, 3)))
            for start in range(d, width, 3)
        ),
        rules=tuple(Rule(row, float(generator.normal())) for row in weights[: generator.integers(0, 4)]),
        budget=float(generator.choice([0.5, 4.0, np.inf])),
    )
    return constraints, x, generator
