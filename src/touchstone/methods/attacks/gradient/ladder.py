"""The attacks in the order of their cost, each on the survivors of those before it.

Tiers are the ones of the measured study behind them: forty steps of cross-entropy and of the three nearest classes
find all but a few of the breaks that the whole ensemble finds, at a twentieth of its cost. The whole ensemble is what
survivors must withstand before anything passes: Auto-PGD with cross-entropy and towards up to nine classes, FAB-T,
Square, and one more start for the samples that came nearest to breaking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from touchstone.methods.attacks.gradient.auto_pgd import Ascent, auto_pgd
from touchstone.methods.attacks.gradient.balls import Ball, length
from touchstone.methods.attacks.gradient.differentiable import Differentiable, Objective, Passes
from touchstone.methods.attacks.gradient.fast_boundary import fast_boundary
from touchstone.methods.attacks.gradient.objectives import cross_entropy, towards
from touchstone.methods.attacks.gradient.rungs import Rung
from touchstone.methods.attacks.gradient.square import square


@dataclass(slots=True)
class Outcome:
    """What the ladder did to each sample."""

    points: NDArray[np.float32]
    """The adversarial sample, where there is one; the sample itself elsewhere."""
    broken: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    """Whether the model was right to begin with; others are not attacked."""
    by: list[str]
    """Name of the rung that broke each sample; empty for survivors."""
    steps: NDArray[np.int64]
    """Step of that rung's run."""
    passes: dict[str, Passes] = field(default_factory=dict)
    """What each rung cost."""


def climb_ladder(
    model: Differentiable,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    ball: Ball,
    rungs: tuple[Rung, ...],
    *,
    seed: int,
    ids: NDArray[np.int64],
    batch: int = 256,
    standing: NDArray[np.bool_] | None = None,
) -> Outcome:
    """Attack every sample that the model classifies as `y` and that is `standing`; `ids` name them for the dice."""
    with torch.random.fork_rng(devices=[]):
        climb = _Climb(model, x, y, ball, seed, ids, batch)
        climb.look()
        if standing is not None:
            climb.withstood = climb.correct & ~standing
        for rung in rungs:
            climb.take(rung)
    return climb.outcome()


class _Climb:
    """All samples, and how near each came to breaking."""

    def __init__(
        self,
        model: Differentiable,
        x: NDArray[np.float32],
        y: NDArray[np.int64],
        ball: Ball,
        seed: int,
        ids: NDArray[np.int64],
        batch: int,
    ) -> None:
        self.model, self.ball, self.seed, self.ids, self.batch = model, ball, seed, ids, batch
        self.x, self.y = model.tensor(x), model.tensor(y)
        self.points = self.x.clone()
        self.correct = np.zeros(len(x), dtype=bool)
        self.broken = np.zeros(len(x), dtype=bool)
        self.withstood = np.zeros(len(x), dtype=bool)
        """Samples that are not attacked, although they stand."""
        self.by = [""] * len(x)
        self.steps = np.full(len(x), -1, dtype=np.int64)
        self.scores = torch.empty(0)
        self.nearest = np.full(len(x), np.inf)
        """Smallest lead of the own class that an aimed run left; tells who is worth another start."""
        self.starts: dict[str, int] = {}
        """Random starts that attacks of each kind have had."""
        self.passes: dict[str, Passes] = {}

    def look(self) -> None:
        """The model's answers to the samples themselves."""
        parts = [self.model.scores(self.x[first : first + self.batch]) for first in range(0, len(self.x), self.batch)]
        self.scores = torch.cat(parts or [self.x.flatten(1)])
        self.correct = (self.scores.argmax(dim=1) == self.y).cpu().numpy() if len(self.x) else self.correct
        self._close("clean")

    def take(self, rung: Rung) -> None:
        """Attack the survivors, one start after the other, each on who is left."""
        begun = self.starts.get(rung.kind, 0)
        self.starts[rung.kind] = begun + rung.restarts
        targets = max(min(rung.targets, self.scores.shape[1] - 1), 1)
        together = max(self.batch // targets, 1)
        for start in range(begun, begun + rung.restarts):
            rows = self._survivors(rung)
            for first in range(0, len(rows), together):
                self._attack(rung, rows[first : first + together], start, targets)
        self._close(rung.name)

    def outcome(self) -> Outcome:
        """Everything found, with the points of unbroken samples put back."""
        points = np.where(
            self.broken.reshape(-1, *[1] * (self.x.dim() - 1)), self.points.cpu().numpy(), self.x.cpu().numpy()
        )
        return Outcome(points, self.broken, self.correct, self.by, self.steps, self.passes)

    def _survivors(self, rung: Rung) -> NDArray[np.int64]:
        rows = np.flatnonzero(self.correct & ~self.broken & ~self.withstood)
        if rung.nearest and len(rows) > rung.nearest:
            rows = np.sort(rows[np.argsort(self.nearest[rows], kind="stable")[: rung.nearest]])
        return rows

    def _attack(self, rung: Rung, rows: NDArray[np.int64], start: int, targets: int) -> None:
        """A run for every sample and target. Those of one sample stay together, whatever the size of the batch."""
        picked = torch.from_numpy(rows).to(self.x.device).repeat_interleave(targets)
        x, y = self.x[picked], self.y[picked]
        sample = torch.arange(len(rows), device=x.device).repeat_interleave(targets)
        dice = [self._generator(rung.kind, start, target, int(row)) for row in rows for target in range(targets)]
        if rung.kind == "square":
            ascent = square(self.model, x, y, self.ball, dice, queries=rung.iterations, at_once=self.batch)
        elif rung.kind == "fab-t":
            begin = x if start == 0 else self._start(x, dice)
            aimed = self._targets(rows, targets)
            ascent = fast_boundary(self.model, x, y, aimed, self.ball, begin, sample, iterations=rung.iterations)
        else:
            aim = self._objective(rung, y, rows, targets)
            begin = self._start(x, dice)
            ascent = auto_pgd(self.model, x, y, self.ball, aim, begin, sample, iterations=rung.iterations)
        self._record(rung, rows, ascent)

    def _objective(self, rung: Rung, y: Tensor, rows: NDArray[np.int64], targets: int) -> Callable[[Tensor], Objective]:
        if rung.kind == "apgd-ce":
            return lambda places: cross_entropy(y[places])
        aimed = self._targets(rows, targets)
        return lambda places: towards(y[places], aimed[places])

    def _targets(self, rows: NDArray[np.int64], targets: int) -> Tensor:
        """The other classes nearest to each sample's own, by the scores of the sample itself."""
        picked = torch.from_numpy(rows).to(self.x.device)
        others = self.scores[picked].scatter(1, self.y[picked, None], -torch.inf)
        return others.argsort(dim=1, descending=True, stable=True)[:, :targets].flatten()

    def _start(self, x: Tensor, dice: list[np.random.Generator]) -> Tensor:
        """A random point of the ball for each sample, from its own dice."""
        shape = tuple(x.shape[1:])
        drawn = [
            2 * die.random(shape, dtype=np.float32) - 1
            if self.ball.norm == "linf"
            else die.standard_normal(shape, dtype=np.float32)
            for die in dice
        ]
        noise = self.model.tensor(np.stack(drawn))
        size = length(noise, self.ball.norm).clamp_min(1e-12).to(noise.dtype)
        return x + self.ball.radius * self.ball.scaled(noise / size.reshape(-1, *[1] * (x.dim() - 1)))

    def _generator(self, kind: str, start: int, target: int, row: int) -> np.random.Generator:
        name = f"{self.seed}/{kind}/{start}/{target}/{int(self.ids[row])}"
        entropy = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
        return np.random.Generator(np.random.SFC64(entropy))

    def _record(self, rung: Rung, rows: NDArray[np.int64], ascent: Ascent) -> None:
        """Keep what was found, once it is known to lie in the ball: of each sample the first of its runs."""
        runs = len(ascent.broken) // len(rows)
        picked = torch.from_numpy(rows).to(self.x.device)
        first = ascent.broken.reshape(-1, runs).int().argmax(dim=1) + runs * torch.arange(
            len(rows), device=picked.device
        )
        points = ascent.points[first]
        legal = ascent.broken[first] & self.ball.contains(self.x[picked], points)
        broken = legal.cpu().numpy()
        self.points[picked[legal]] = points[legal]
        self.broken[rows[broken]] = True
        self.steps[rows[broken]] = ascent.steps[first].cpu().numpy()[broken]
        for row in rows[broken]:
            self.by[int(row)] = rung.name
        if rung.kind == "apgd-t":
            lead = -ascent.values.reshape(-1, runs).amax(dim=1).cpu().numpy()
            self.nearest[rows] = np.minimum(self.nearest[rows], lead)

    def _close(self, name: str) -> None:
        spent = self.model.passes
        before = self.passes.setdefault(name, Passes())
        before.forward += spent.forward
        before.backward += spent.backward
        self.model.passes = Passes()
