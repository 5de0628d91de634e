"""White-box attack along the gradient with a step size that looks after itself.

Auto-PGD: Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks" (ICML), algorithm 1. The cross-entropy is climbed first; what survives is attacked again on
the margin, which does not vanish when the model is very sure of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples, Scores, ThreatModel, margin

Loss = Literal["cross-entropy", "margin"]
Gradient = Callable[[Samples, Classes, Loss], Samples]
"""Gradient of the loss with respect to the input; climbing it moves away from the true class."""

MOMENTUM = 0.75
PROGRESS = 0.75
"""Share of steps between two checkpoints that must improve, or the step is halved."""


def projected_gradient(
    scores: Scores,
    gradient: Gradient,
    x: Samples,
    y: Classes,
    threat: ThreatModel,
    seeds: NDArray[np.int64],
    *,
    iterations: int,
) -> AttackResult:
    """Attack samples that the model classifies as `y`: `iterations` steps on each loss, two queries per step."""
    lower, upper = threat.box(x)
    result = _climb(scores, gradient, x, y, threat, x, "cross-entropy", iterations)
    left = np.flatnonzero(~result.succeeded)
    if left.size:
        draws = np.stack(
            [np.random.default_rng(int(seed)).random(x.shape[1:], dtype=np.float32) for seed in seeds[left]]
        )
        start = np.clip(lower[left] + draws * (upper[left] - lower[left]), lower[left], upper[left])
        second = _climb(scores, gradient, x[left], y[left], threat, start, "margin", iterations)
        result.adversarial[left] = second.adversarial
        result.succeeded[left] = second.succeeded
        result.queries[left] += second.queries
    return result


def _climb(
    scores: Scores,
    gradient: Gradient,
    x: Samples,
    y: Classes,
    threat: ThreatModel,
    start: Samples,
    loss: Loss,
    iterations: int,
) -> AttackResult:
    adversarial = x.copy()
    succeeded = np.zeros(len(x), dtype=bool)
    spent = np.zeros(len(x), dtype=np.int64)
    state = _Ascent(np.arange(len(x)), y, *threat.box(x), start.copy())
    checkpoints = _checkpoints(iterations)
    for step in range(iterations + 1):
        answer = scores(state.current)
        spent[state.rows] += 1
        broken = answer.argmax(axis=1) != state.y
        adversarial[state.rows[broken]], succeeded[state.rows[broken]] = state.current[broken], True
        state.observe(-margin(answer, state.y))
        if broken.any():
            state.keep(~broken)
        if step == iterations or not state.rows.size:
            break
        if step in checkpoints:
            state.review(step - max((c for c in checkpoints if c < step), default=0))
        spent[state.rows] += 1
        state.move(gradient(state.current, state.y, loss), threat.epsilon, momentum=step > 0)
    return AttackResult(adversarial, succeeded, spent)


def _checkpoints(iterations: int) -> frozenset[int]:
    """The paper's schedule: intervals that shrink from 22 % of the steps to 6 %."""
    marks, previous, current = [0.0], 0.0, 0.22
    while current <= 1.0:
        marks.append(current)
        previous, current = current, current + max(current - previous - 0.03, 0.06)
    return frozenset(int(np.ceil(mark * iterations)) for mark in marks[1:])


class _Ascent:
    """Where every sample still in play stands, stood before and stood best, and how long its step is."""

    def __init__(self, rows: NDArray[np.int64], y: Classes, lower: Samples, upper: Samples, current: Samples) -> None:
        count = len(rows)
        self.rows, self.y, self.lower, self.upper = rows, y, lower, upper
        self.current, self.previous, self.best = current, current.copy(), current.copy()
        self.value = np.full(count, -np.inf)
        self.best_value = np.full(count, -np.inf)
        self.best_at_review = np.full(count, -np.inf)
        self.step = np.full(count, 2.0)
        self.improvements = np.zeros(count)
        self.halved = np.ones(count, dtype=bool)

    def observe(self, value: NDArray[np.float64]) -> None:
        self.improvements += value > self.value
        better = value > self.best_value
        self.best[better], self.best_value[better] = self.current[better], value[better]
        self.value = value

    def keep(self, kept: NDArray[np.bool_]) -> None:
        for name, array in vars(self).items():
            setattr(self, name, array[kept])

    def review(self, steps: int) -> None:
        """Halve the step, and go back to the best point, where the last `steps` steps did not help."""
        slow = self.improvements < PROGRESS * steps
        stuck = ~self.halved & (self.best_at_review == self.best_value)
        self.halved = slow | stuck
        self.step[self.halved] /= 2
        self.current[self.halved] = self.best[self.halved]
        self.previous[self.halved] = self.best[self.halved]
        self.best_at_review = self.best_value.copy()
        self.improvements[:] = 0

    def move(self, slope: Samples, epsilon: NDArray[np.float64], *, momentum: bool) -> None:
        length = self.step.reshape(-1, *[1] * (slope.ndim - 1))
        target = np.clip(self.current + length * epsilon * np.sign(slope), self.lower, self.upper)
        if momentum:
            target = self.current + MOMENTUM * (target - self.current) + (1 - MOMENTUM) * (self.current - self.previous)
        self.previous = self.current
        self.current = np.clip(target, self.lower, self.upper).astype(np.float32)
