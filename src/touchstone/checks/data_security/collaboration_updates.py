"""What the server sees of parties that train the model under test, and the rows that may be in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.collaboration_learner import Trained, distinct
from touchstone.checks.data_security.members import target_of
from touchstone.checks.declaration import Run
from touchstone.errors import UnavailableError
from touchstone.methods.federated.learner import Classes, LocalTraining, Rows, party_update
from touchstone.methods.federated.rules import Vector, aggregate
from touchstone.records import Budget
from touchstone.system.description import Collaboration
from touchstone.system.subject import Subject
from touchstone.text import Text

MOST_PARTIES: dict[Budget, int] = {"quick": 5, "standard": 10, "full": 20}
MOST_STEPS: dict[Budget, int] = {"quick": 3, "standard": 10, "full": 20}
MOST_BATCH = 256
CANDIDATES = 1_000
FEWEST = 20
"""Rows on either side, candidates and others."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How what the server sees comes about: the parties in it, how each trains, and what is made of their updates."""

    parties: int
    training: LocalTraining
    declared: Collaboration

    def of(self, trained: Trained, weights: Vector, x: Rows, y: Classes, generator: np.random.Generator) -> Vector:
        """What is seen of `parties * training.rows` rows, those of each party in a row."""
        parts = np.split(np.arange(len(x)), self.parties)
        updates = np.stack(
            [party_update(trained.learner, weights, x[part], y[part], self.training, generator) for part in parts]
        )
        averaged = self.declared.server_sees != "result"
        return updates.mean(axis=0) if averaged else aggregate(updates, self.declared.rule, self.declared.trimmed)


@dataclass(frozen=True, slots=True)
class Pools:
    """Rows that may be in an update, which are the candidates too, and rows that are not among them."""

    x: Rows
    y: Classes
    other_x: Rows
    other_y: Classes


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of each attacked update, whether its drawn row was identified; and how often others were, who were in none."""

    identified: NDArray[np.bool_]
    false_names: int
    chances: int


def seen_under(declared: Collaboration, cohort: int, budget: Budget) -> Seen:
    """What the server sees of a cohort, in the size that can be computed."""
    training = LocalTraining(
        min(declared.local_steps, MOST_STEPS[budget]),
        min(declared.batch_size, MOST_BATCH),
        declared.learning_rate,
        declared.clipping_norm,
        declared.noise_multiplier * (declared.clipping_norm or 0.0),
    )
    return Seen(min(cohort, MOST_PARTIES[budget]), training, declared)


def states_of(trained: Trained, run: Run) -> dict[str, Vector]:
    """The weights at which updates are seen."""
    fresh = trained.learner.fresh(run.generator("fresh weights"))
    last = {"last round": trained.weights}
    return last if fresh is None else {"first round": fresh, **last}


def pools_of(subject: Subject, trained: Trained, generator: np.random.Generator) -> Pools:
    """Distinct training rows, by lot: candidates, and as many others. Raises `UnavailableError` for too few."""
    data = subject.data("train")
    if data.target is None:
        raise UnavailableError(
            Text("has no labels", "没有标签"), "data.train.target", Text("name its column", "请指明标签列")
        )
    x, y = distinct(data.inputs, target_of(data))
    size = min(len(x) // 2, CANDIDATES)
    if size < FEWEST:
        raise UnavailableError(
            Text(f"holds fewer than {2 * FEWEST} distinct rows", f"不同的行少于 {2 * FEWEST}"),
            "data.train",
            Text("hand in more of the training data", "请提交更多训练数据"),
        )
    order = generator.permutation(len(x))
    ours, others = order[:size], order[size : 2 * size]
    return Pools(trained.rows(x[ours]), y[ours], trained.rows(x[others]), y[others])


def drawn_rows(rows: int, size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows by lot; more than once only where there are not enough."""
    if size <= rows:
        return generator.choice(rows, size, replace=False)
    return np.resize(generator.permutation(rows), size)
