"""Gradient matching of what the server sees: inputs are sought whose update is like the one that was seen.

Slower by far than reading ratios off a dense layer, and hopeless for many rows at once; tried on a few updates of a few
rows, and the only way into a network without a dense layer that has a bias.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from touchstone.checks.data_security.collaboration_effort import affordable, gradient_seconds
from touchstone.checks.data_security.collaboration_learner import Trained
from touchstone.checks.data_security.collaboration_updates import Outcome, Pools, Seen, drawn_rows
from touchstone.methods.federated.inversion import CHANCE, candidates, threshold
from touchstone.methods.federated.learner import Classes, LocalTraining, Rows
from touchstone.methods.federated.rules import Vector
from touchstone.records import Budget
from touchstone.text import Text

UPDATES: dict[Budget, int] = {"quick": 3, "standard": 20, "full": 100}
STEPS: dict[Budget, int] = {"quick": 150, "standard": 300, "full": 1_000}
RESTARTS: dict[Budget, int] = {"quick": 1, "standard": 2, "full": 4}
MOST_ROWS = 8
"""In what is seen, beyond which matching finds nothing."""
PLANTED = 3
STEP = 3.0
"""Gradients that a step costs as much as: it differentiates one."""


def match_rows(
    trained: Trained,
    weights: Vector,
    pools: Pools,
    seen: Seen,
    budget: Budget,
    generator: np.random.Generator,
) -> tuple[Outcome, Outcome] | Text:
    """What matching identifies in what the server sees of a network, and in updates of one row; or why it is not tried.

    Where the network is large, with the effort of a smaller budget.
    """
    in_each = seen.parties * seen.training.rows
    if in_each > MOST_ROWS:
        return Text(f"{in_each} rows are too many for gradient matching", f"{in_each} 行对梯度匹配而言过多")
    one, many = (STEP * gradient_seconds(trained.learner, pools.x, rows) for rows in (1, in_each))

    def seconds(level: Budget) -> float:
        return 3 * RESTARTS[level] * STEPS[level] * (UPDATES[level] * many + PLANTED * one)

    level = affordable(budget, seconds)
    if level is None:
        return Text("the network is too large for gradient matching", "网络过大，无法进行梯度匹配")
    bare = Seen(1, LocalTraining(1, 1, seen.training.rate), seen.declared)
    found, planted = (
        _matched(trained, weights, pools, each, count, level, generator)
        for each, count in ((seen, UPDATES[level]), (bare, PLANTED))
    )
    return found, planted


def _matched(
    trained: Trained,
    weights: Vector,
    pools: Pools,
    seen: Seen,
    updates: int,
    budget: Budget,
    generator: np.random.Generator,
) -> Outcome:
    from touchstone.methods.federated.matching import matched
    from touchstone.methods.federated.network import NetworkLearner

    learner = trained.learner
    assert isinstance(learner, NetworkLearner)  # noqa: S101 - whoever calls leaves other models out
    in_each = seen.parties * seen.training.rows
    pool = candidates(pools.x.reshape(len(pools.x), -1).astype(np.float64))

    def named(x: Rows, y: Classes) -> Mapping[int, float]:
        update = seen.of(trained, weights, x, y, generator)
        found = matched(
            learner, weights, update, y, pools.other_x, generator, steps=STEPS[budget], restarts=RESTARTS[budget]
        )
        return pool.named(found.reshape(in_each, -1).astype(np.float64))

    null = []
    for _ in range(2 * updates):
        rows = drawn_rows(len(pools.other_x), in_each, generator)
        null.append(named(pools.other_x[rows], pools.other_y[rows]))
    nearer = threshold(null[:updates], len(pools.x), CHANCE)
    identified = np.zeros(updates, dtype=np.bool_)
    for number in range(updates):
        rows = drawn_rows(len(pools.x), in_each, generator)
        identified[number] = named(pools.x[rows], pools.y[rows]).get(int(generator.choice(rows)), np.inf) < nearer
    false_names = sum(distance < nearer for each in null[updates:] for distance in each.values())
    return Outcome(identified, false_names, updates * len(pools.x))
