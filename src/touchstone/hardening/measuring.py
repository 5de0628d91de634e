"""What one system withstands: its answers to clean samples, what the attacks broke, what is proven, what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from touchstone.checks.system_resilience.white_box import AUDITS, ball_of
from touchstone.hardening.arena import Arena
from touchstone.methods.attacks.coordinate import coordinate_attack
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.ladder import climb_ladder
from touchstone.methods.attacks.gradient.rungs import QUICK, Rung
from touchstone.methods.attacks.gradient.through_noise import mean_under_noise
from touchstone.methods.attacks.ray_search import ray_search
from touchstone.methods.attacks.square import square_attack
from touchstone.methods.attacks.threat_model import Samples
from touchstone.records import Budget
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.opening import open_unsmoothed
from touchstone.system.subject import Subject

QUERIES: Final[dict[Budget, int]] = {"quick": 100, "standard": 300, "full": 1000}
"""Questions per survivor of the search that asks the system itself, as anybody could."""
DRAWS: Final = 16
"""Noisy copies of a sample that the attack on a smoothed model follows."""
ROUNDS: Final = 3
"""Times that attack starts again with other noise: what turns the mean need not turn the vote."""
_TIMED: Final = 100

Knowledge = Literal["white box", "black box"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One system on the samples of the arena; arrays `(n,)`."""

    correct: NDArray[np.bool_]
    standing: NDArray[np.bool_]
    """Right, and right still after every attack."""
    knowledge: Knowledge
    attacks: tuple[str, ...]
    passes: int
    """Times the model runs for one answer."""
    seconds: float
    """Processor time of a thousand answers."""


def measure(subject: Subject, arena: Arena, budget: Budget) -> Measured:
    """Attack the system. Only what the system itself then answers wrongly counts as broken."""
    model = subject.model()
    smoothing = subject.description.model.smoothing
    correct = model.labels(arena.original(arena.x)) == arena.y
    standing = correct.copy()
    attacks: list[str] = []
    inner = open_unsmoothed(subject)
    white = Capability.GRADIENTS in inner.capabilities
    if white and smoothing is None:
        rungs = (*QUICK, *AUDITS[budget])
        _climb(model, _function(inner, arena), arena, standing, rungs, arena.seed)
        attacks += [rung.name for rung in rungs]
    elif white and smoothing is not None:
        rungs = tuple(rung for rung in (*QUICK, *AUDITS[budget]) if rung.kind.startswith("apgd"))
        for start in range(ROUNDS):
            function = mean_under_noise(
                _function(inner, arena), smoothing.sigma, arena.x.shape[1:], draws=DRAWS, seed=arena.seed + start
            )
            _climb(model, function, arena, standing, rungs, arena.seed + start)
        attacks += [f"{rung.name} through noise" for rung in rungs]
    attacks.append(_search(model, arena, standing, QUERIES[budget]))
    return Measured(
        correct,
        standing,
        "white box" if white else "black box",
        tuple(attacks),
        1 if smoothing is None else smoothing.samples,
        _seconds(model, arena),
    )


def _function(model: ModelHandle, arena: Arena) -> Callable[[Tensor], Tensor]:
    """The model as a function of samples in the layout of the attacks."""
    function = model.differentiable()
    layout = arena.layout
    if layout is None:
        return function
    if layout.channels_last:
        return lambda x: function(x.movedim(1, -1))
    return lambda x: function(x.reshape(len(x), *layout.shape))


def _climb(
    model: ModelHandle,
    function: Callable[[Tensor], Tensor],
    arena: Arena,
    standing: NDArray[np.bool_],
    rungs: tuple[Rung, ...],
    seed: int,
) -> None:
    """Gradient attacks on whoever stands; what the system confirms stands no more."""
    rows = np.flatnonzero(standing)
    if not rows.size:
        return
    x = arena.x[rows]
    ball = ball_of(arena.threat, arena.x)
    outcome = climb_ladder(Differentiable(function), x, arena.y[rows], ball, rungs, seed=seed, ids=arena.ids[rows])
    lower, upper = arena.threat.box(x)
    _confirm(model, arena, standing, rows[outcome.broken], np.clip(outcome.points, lower, upper)[outcome.broken])


def _search(model: ModelHandle, arena: Arena, standing: NDArray[np.bool_], queries: int) -> str:
    """The search that the answers of the system allow; returns its name."""
    rows = np.flatnonzero(standing)
    x, y = arena.x[rows], arena.y[rows]
    seeds = np.random.default_rng([arena.seed, 2]).integers(2**62, size=len(arena.x))[rows]

    def labels(z: Samples) -> NDArray[np.int64]:
        return model.labels(arena.original(z))

    def scores(z: Samples) -> NDArray[np.float64]:
        if Capability.LOGITS in model.capabilities:
            return model.logits(arena.original(z))
        return np.log(np.maximum(model.probabilities(arena.original(z)), np.finfo(np.float64).tiny))

    scored = bool({Capability.LOGITS, Capability.PROBABILITIES} & model.capabilities)
    name = "rays" if not scored else "coordinates" if arena.layout is None else "square"
    if rows.size:
        if name == "rays":
            found = ray_search(labels, x, y, arena.threat, arena.seed, reach=_reach(arena), queries=queries)
        elif name == "coordinates":
            found = coordinate_attack(scores, x, y, arena.threat, seeds, queries=queries)
        else:
            found = square_attack(scores, x, y, arena.threat, seeds, queries=queries)
        _confirm(model, arena, standing, rows[found.succeeded], found.adversarial[found.succeeded])
    return f"{name}x{queries} on the system"


def _reach(arena: Arena) -> float:
    """How many radii the whole legal range is wide; a hundred where none is declared."""
    width = float(np.max(arena.threat.high) - np.min(arena.threat.low))
    return width / float(np.max(arena.threat.epsilon)) if np.isfinite(width) else 100.0


def _confirm(
    model: ModelHandle, arena: Arena, standing: NDArray[np.bool_], rows: NDArray[np.int64], points: Samples
) -> None:
    if rows.size:
        legal = arena.threat.contains(arena.x[rows], points)
        turned = model.labels(arena.original(points)) != arena.y[rows]
        standing[rows[legal & turned]] = False


def _seconds(model: ModelHandle, arena: Arena) -> float:
    asked: Any = arena.original(arena.x[:_TIMED])
    started = time.process_time()
    model.labels(asked)
    return (time.process_time() - started) * 1000 / max(len(asked), 1)
