"""What the masking panel measures: whether the gradient of a model says where its answers change.

Every probe takes samples that the model answers correctly and gives back plain numbers; what they mean is decided in
:mod:`touchstone.methods.attacks.masking`. Random numbers are each sample's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from touchstone.methods.attacks.gradient.balls import Ball, each, length
from touchstone.methods.attacks.gradient.differentiable import Differentiable, Objective, Passes
from touchstone.methods.attacks.gradient.ladder import Outcome, climb_ladder
from touchstone.methods.attacks.gradient.objectives import cross_entropy, margin
from touchstone.methods.attacks.gradient.rungs import Rung

FORWARDS: Final = 5
"""Times the same samples are answered to see whether the answers move."""
ALONE: Final = 8
"""Samples that are answered once more, each by itself."""
DIRECTIONS: Final = 48
"""Random directions that the gradient has to beat."""
STEPS_ALONG_GRADIENT: Final = (1.0, 0.5, 0.25, 0.1)
"""Shares of the radius at which the gradient may show what it is worth."""
POINTS_NEARBY: Final = 8
"""Points around each sample whose gradients are compared."""
SMALL_STEPS: Final = 24
SMALL_STEP: Final = 0.1
"""Share of the radius over which a gradient should predict the change."""
STEPS: Final = 20
RANDOM_SEARCH_QUERIES: Final = 200
SWEEP: Final = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Shares of the radius that are attacked besides the whole range."""
_SPARSE_SHARE: Final = 0.05
"""L1: share of the elements that a step along the gradient touches."""
_ROUNDING: Final = 1.2e-7
"""Relative rounding of a float32."""
_ABOVE_ROUNDING: Final = 30
"""A change this many roundings large is a change."""


class Counted(Differentiable):
    """The same model, whose passes are counted to the end: `passes` starts anew with every ladder."""

    def __init__(self, model: Differentiable) -> None:
        super().__init__(model._function, model.device)
        self.spent = Passes()

    def scores(self, x: Tensor) -> Tensor:
        """Scores without a gradient."""
        self.spent.forward += len(x)
        return super().scores(x)

    def climb(self, x: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Tensor]:
        """As the attacks ask for it."""
        self.spent.backward += len(x)
        return super().climb(x, objective)


Direction = Literal["signs", "anywhere", "blocks"]
"""A sign per element, any value per element, or a sign per block of elements."""


@dataclass(frozen=True, slots=True)
class Probed:
    """Correctly answered samples before a model, and all that a probe needs to go on."""

    model: Counted
    x: Tensor
    y: Tensor
    ball: Ball
    scores: Tensor
    seed: int
    ids: NDArray[np.int64]

    def points(self, purpose: str, count: int, kind: Direction, share: float) -> Iterator[Tensor]:
        """Legal points, one per sample and turn, `share` of the radius along random directions."""
        draw, shape = _DIRECTIONS[kind], tuple(self.x.shape[1:])
        dice = [self._generator(purpose, row) for row in self.ids]
        for place in range(count):
            drawn = self.model.tensor(np.stack([draw(die, shape, place) for die in dice]))
            yield self.along(drawn / each(length(drawn, self.ball.norm).to(drawn.dtype), drawn), share)

    def along(self, directions: Tensor, share: float) -> Tensor:
        """The legal points that lie `share` of the radius along directions of length 1."""
        return self.ball.project(self.x, self.x + share * self.ball.radius * directions)

    def margins(self, points: Iterable[Tensor]) -> Tensor:
        """Lead of the own class at each turn's points; shape `(turns, n)`."""
        return torch.stack([margin(self.model.scores(some), self.y) for some in points])

    def attack(self, rungs: tuple[Rung, ...], radius: float) -> Outcome:
        """The ladder with another radius."""
        ball = Ball(self.ball.norm, radius, self.ball.low, self.ball.high)
        x, y = self.x.cpu().numpy(), self.y.cpu().numpy()
        return climb_ladder(self.model, x, y, ball, rungs, seed=self.seed, ids=self.ids)

    def _generator(self, purpose: str, row: int) -> np.random.Generator:
        name = f"{self.seed}/masking/{purpose}/{int(row)}"
        return np.random.Generator(np.random.SFC64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")))


def _signs(generator: np.random.Generator, shape: tuple[int, ...], place: int) -> NDArray[np.float32]:
    return np.where(generator.random(shape) < 0.5, -1, 1).astype(np.float32)


def _anywhere(generator: np.random.Generator, shape: tuple[int, ...], place: int) -> NDArray[np.float32]:
    return 2 * generator.random(shape, dtype=np.float32) - 1


def _blocks(generator: np.random.Generator, shape: tuple[int, ...], place: int) -> NDArray[np.float32]:
    """The same sign over windows of a half, a quarter and an eighth of the picture in turn."""
    channels, height, width = shape if len(shape) == 3 else (1, 1, int(np.prod(shape)))
    parts = 2 << place % 3
    tall, wide = -(-height // parts), -(-width // parts)
    coarse = _signs(generator, (channels, -(-height // tall), -(-width // wide)), place)
    return coarse.repeat(tall, axis=1).repeat(wide, axis=2)[:, :height, :width].reshape(shape)


_DIRECTIONS: Final = {"signs": _signs, "anywhere": _anywhere, "blocks": _blocks}


# ---- how the model behaves


def unsteadiness(model: Differentiable, x: Tensor) -> float:
    """Largest change of a score when the same batch is answered again, as a share of the spread of the scores."""
    answers = torch.stack([model.scores(x) for _ in range(FORWARDS)])
    return _relative((answers - answers[0]).abs().max(), answers[0])


def dependence_on_batch(model: Differentiable, x: Tensor) -> float:
    """Largest change of a score when a sample is answered by itself, as a share of the spread of the scores."""
    together = model.scores(x)
    alone = torch.cat([model.scores(x[place : place + 1]) for place in range(min(ALONE, len(x)))])
    return _relative((alone - together[: len(alone)]).abs().max(), together)


def _relative(change: Tensor, scores: Tensor) -> float:
    spread = float((scores.amax(dim=1) - scores.amin(dim=1)).median())
    return float(change) / max(spread, 1e-30)


def look_like_probabilities(scores: Tensor) -> bool:
    """Whether every row is a distribution over more than one class."""
    sums = scores.double().sum(dim=1)
    return scores.shape[1] > 1 and bool((scores >= 0).all()) and bool(((sums - 1).abs() < 1e-4).all())


def flat_cross_entropy(probed: Probed, limit: float) -> float:
    """Share of samples whose own class leads by more than `limit`."""
    return float((margin(probed.scores, probed.y) > limit).double().mean())


# ---- what the gradient is worth


def runner_up(probed: Probed) -> Tensor:
    """The nearest other class of each sample."""
    return probed.scores.scatter(1, probed.y[:, None], -torch.inf).argmax(dim=1)


def lead_over(y: Tensor, other: Tensor) -> Objective:
    """By how much each sample's `other` class leads its own."""

    def objective(scores: Tensor, rows: Tensor) -> Tensor:
        return scores.gather(1, other[rows, None])[:, 0] - scores.gather(1, y[rows, None])[:, 0]

    return objective


def zero_gradients(probed: Probed, lead: Tensor) -> tuple[float, float]:
    """Share of samples whose gradient is zero, of the cross-entropy and of the lead.

    The gradient `lead` counts as zero when the whole range along it would change the scores by less than rounding.
    """
    _, _, slope = probed.model.climb(probed.x, cross_entropy(probed.y))
    flat = (slope.flatten(1) == 0).all(dim=1)
    steepness = lead.flatten(1).double().abs().sum(dim=1)
    idle = steepness <= _ROUNDING * probed.scores.abs().amax(dim=1) / _width(probed.ball)
    return float(flat.double().mean()), float(idle.double().mean())


def random_beats_gradient(probed: Probed, lead: Tensor, random_margins: Tensor) -> float:
    """Share of samples that the best of the random directions brings nearer to breaking than the gradient does."""
    elements = probed.x[0].numel()
    sparsity = torch.full((len(probed.x),), max(_SPARSE_SHARE * elements, 1.0), device=probed.x.device)
    steepest = probed.ball.steepest(lead, sparsity if probed.ball.norm == "l1" else None)
    along = probed.margins(probed.along(steepest, share) for share in STEPS_ALONG_GRADIENT).amin(dim=0)
    best = torch.minimum(along, margin(probed.scores, probed.y))
    return float((random_margins.amin(dim=0) < best).double().mean())


def changing_gradient(probed: Probed) -> float:
    """How little the gradients at random points of the ball have in common: 1 - their mean cosine, the median.

    Not measured at the samples and not at corners, where a ripple may have the same phase in every element: pixels lie
    on a grid. Points without a gradient agree with nothing.
    """
    objective = lead_over(probed.y, runner_up(probed))
    points = probed.points("nearby", POINTS_NEARBY, "anywhere", 1.0)
    slopes = torch.stack([probed.model.climb(some, objective)[2].flatten(1) for some in points]).double()
    units = slopes / slopes.norm(dim=2, keepdim=True).clamp_min(1e-300)
    alike = units.sum(dim=0).square().sum(dim=1) - units.square().sum(dim=(0, 2))
    return float(1 - (alike / (POINTS_NEARBY * (POINTS_NEARBY - 1))).median())


def unpredicted_change(probed: Probed, lead: Tensor) -> float:
    """How little the gradient says about small random steps: 1 - cosine of predicted and real change, the median.

    Samples whose scores do not move by more than rounding say nothing; nan where none does.
    """
    objective = lead_over(probed.y, runner_up(probed))
    rows = torch.arange(len(probed.x), device=probed.x.device)
    before = objective(probed.scores, rows).double()
    changes, expected = [], []
    for points in probed.points("small", SMALL_STEPS, "signs", SMALL_STEP):
        changes.append(objective(probed.model.scores(points), rows).double() - before)
        expected.append(((points - probed.x).flatten(1).double() * lead.flatten(1).double()).sum(dim=1))
    real, predicted = torch.stack(changes), torch.stack(expected)
    moved, foretold = real.norm(dim=0), predicted.norm(dim=0)
    noise = _ABOVE_ROUNDING * _ROUNDING * probed.scores.abs().amax(dim=1).double() * SMALL_STEPS**0.5
    counted = (moved > noise) | (foretold > noise)
    if not bool(counted.any()):
        return float("nan")
    cosine = (real * predicted).sum(dim=0) / (moved * foretold).clamp_min(1e-300)
    return float(1 - cosine[counted].median())


# ---- what attacks find


@dataclass(frozen=True, slots=True)
class AtRadius:
    """Attacks with the radius itself, on the same samples."""

    by_gradient: NDArray[np.bool_]
    by_more_steps: NDArray[np.bool_]
    """Survivors of the gradient that twice the steps broke."""
    by_search: NDArray[np.bool_]
    """Survivors of all gradient attacks that random search broke."""


def _along_gradient(steps: int) -> tuple[Rung, ...]:
    return Rung("apgd-ce", steps), Rung("apgd-t", steps, targets=1)


def attack_at_radius(probed: Probed) -> AtRadius:
    """Gradient, twice the gradient, then random search on who is left."""
    once, twice = _along_gradient(STEPS), _along_gradient(2 * STEPS)
    outcome = probed.attack((*once, *twice, Rung("square", RANDOM_SEARCH_QUERIES)), probed.ball.radius)
    by = np.array(outcome.by)

    def taken(rungs: tuple[Rung, ...]) -> NDArray[np.bool_]:
        return np.isin(by, [rung.name for rung in rungs])

    return AtRadius(taken(once), taken(twice), np.char.startswith(by.astype(str), "square"))


def sweep(probed: Probed, at_radius: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Broken samples at each radius of :data:`SWEEP` and, where it has ends, in the whole range; `(radii, n)`."""
    radii = [share * probed.ball.radius for share in SWEEP]
    whole = whole_range(probed.ball, probed.x[0].numel())
    if np.isfinite(whole):
        radii.append(whole)
    return np.stack(
        [
            at_radius
            if radius == probed.ball.radius
            else probed.attack(_along_gradient(STEPS if radius else 1), radius).broken
            for radius in radii
        ]
    )


def whole_range(ball: Ball, elements: int) -> float:
    """The radius with which every legal point can be reached from every other."""
    factor: dict[str, Callable[[int], float]] = {"linf": lambda n: 1.0, "l2": lambda n: n**0.5, "l1": float}
    return _width(ball) * factor[ball.norm](elements)


def _width(ball: Ball) -> float:
    return ball.high - ball.low
