"""How much of an attack can be computed: the sizes of the largest budget whose work is done in the time there is.

What a gradient costs differs by four orders of magnitude between a logistic regression and a network for pictures. A
check that runs out of time measures nothing at all. The estimate is a rule of thumb that depends on nothing but the
model, so that the same system is always attacked with the same effort.
"""

from __future__ import annotations

from collections.abc import Callable

from touchstone.methods.federated.learner import Learner, Rows, SoftmaxRegression
from touchstone.records import Budget

SECONDS: dict[Budget, float] = {"quick": 60, "standard": 240, "full": 400}
"""Of one core of today, for each of three parts: together below what a worker is given."""
LEVELS: tuple[Budget, ...] = ("full", "standard", "quick")
OF_A_REGRESSION = 4e-5
OF_A_NETWORK = 2.5e-4
"""Seconds that any gradient takes."""
OF_A_WEIGHT = 1e-8
OF_A_MULTIPLICATION = 1.5e-10
"""Seconds, forward and backward, for each on the way forward."""


def gradient_seconds(learner: Learner, x: Rows, rows: int) -> float:
    """Of one gradient over so many rows like those of `x`, about."""
    weights, multiplications = learner.size(x[:1])
    least = OF_A_REGRESSION if isinstance(learner, SoftmaxRegression) else OF_A_NETWORK
    return least + OF_A_WEIGHT * weights + OF_A_MULTIPLICATION * multiplications * rows


def affordable(budget: Budget, seconds: Callable[[Budget], float]) -> Budget | None:
    """The budget whose sizes can be computed: this one, or the largest below it; `None` where not even the least."""
    levels = LEVELS[LEVELS.index(budget) :]
    return next((level for level in levels if seconds(level) <= SECONDS[budget]), None)
