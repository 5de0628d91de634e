"""The black-box attacks that suit the answers, each on the survivors of those before it.

    ladder = black_box_ladder(x, y, threat, seeds, queries=1000, labels=labels, scores=scores, pool=pool, pool_y=pool_y)

Which attacks those are, and how the questions are divided among them, was measured on forests, boosted trees and
networks, on tables and on pictures of 8 by 8 and of 32 by 32, with 200 and with 1,000 questions per sample: Square
finds most of what scores show of pictures in L∞, and what SimBA adds in L2 and L1 it adds early; on tables SimBA finds
what the coordinate search finds in a twentieth of the calls, but for the inside of a range; RayS is ahead of
HopSkipJump in L∞ only, and neither finds all that the other does.

What an attack finds counts once the point lies in the ball and a fresh question confirms the other answer. When the
model may not be asked anything more, the ladder ends there and says so; what was found until then stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.coordinate import coordinate_attack
from touchstone.methods.attacks.hop_skip_jump import hop_skip_jump
from touchstone.methods.attacks.ray_search import ray_search
from touchstone.methods.attacks.simba import simba
from touchstone.methods.attacks.square import square_attack
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Labels, Norm, Samples, Scores, ThreatModel

Kind = Literal["square", "coordinate", "ray", "hop-skip-jump", "simba"]


@dataclass(frozen=True, slots=True)
class Step:
    """One attack on whoever still stands, with the most questions per sample it may ask."""

    kind: Kind
    queries: int

    @property
    def name(self) -> str:
        """As it stands in the evidence: `hop-skip-jump x5000`."""
        return f"{self.kind} x{self.queries}"


_SHARES: Final[dict[tuple[str, bool], tuple[tuple[Kind, float], ...]]] = {
    ("pictures by scores", True): (("square", 1.0),),
    ("pictures by scores", False): (("simba", 0.25), ("square", 0.75)),
    ("tables by scores", True): (("simba", 0.5), ("coordinate", 0.5)),
    ("tables by scores", False): (("simba", 0.5), ("coordinate", 0.5)),
    ("labels", True): (("ray", 0.75), ("hop-skip-jump", 0.25)),
    ("labels", False): (("ray", 0.25), ("hop-skip-jump", 0.75)),
}
"""What part of the questions each attack gets, in L∞ (`True`) and in L2 and L1."""


@dataclass(slots=True)
class Cost:
    """What one step took."""

    attacked: int = 0
    broken: int = 0
    queries: int = 0
    calls: int = 0


@dataclass(slots=True)
class LadderResult:
    """What the ladder did to each sample."""

    attack: AttackResult
    by: list[str]
    """Name of the step that broke each sample; empty for survivors."""
    nearest: NDArray[np.float64]
    """Distance, in radii, of the nearest change of answer known; infinite where none is."""
    costs: dict[str, Cost] = field(default_factory=dict)
    unconfirmed: int = 0
    """Finds that a fresh question, or the exact ball, did not confirm: is the model random?"""
    unrepeated: int = 0
    """Finds that count although the budget left no question to confirm them."""
    stopped: BudgetSpentError | None = None
    """Why the ladder ended early, if it did. Samples that survive were then attacked less than promised."""


def steps_of(queries: int, *, scored: bool, picture: bool, norm: Norm) -> tuple[Step, ...]:
    """The attacks that suit the answers, the input and the norm, together with at most `queries` questions a sample."""
    answers = ("pictures by scores" if picture else "tables by scores") if scored else "labels"
    shares = _SHARES[answers, norm == "linf"]
    steps = [Step(kind, int(share * queries)) for kind, share in shares[1:]]
    return (Step(shares[0][0], queries - sum(step.queries for step in steps)), *steps)


def black_box_ladder(
    x: Samples,
    y: Classes,
    threat: ThreatModel,
    seeds: NDArray[np.int64],
    *,
    queries: int,
    labels: Labels,
    scores: Scores | None = None,
    pool: Samples | None = None,
    pool_y: Classes | None = None,
    picture: bool = False,
    reach: float = 100.0,
    order: int = 0,
) -> LadderResult:
    """Attack samples that the model classifies as `y` with at most `queries` questions and one seed per sample.

    Questions that confirm a find are not counted. `picture`: samples are `(n, channels, height, width)`. `pool` and
    `pool_y` are real samples and their supposed classes, from which HopSkipJump starts. `reach`, in radii, is how far
    the ray search looks for a first change; `order` is the seed of its order, the same for all samples.
    """
    empty = x[:0], y[:0]
    starts = empty if pool is None or pool_y is None else (pool, pool_y)
    asked_scores = None if scores is None else _Asked(scores)
    climb = _Climb(x, y, threat, seeds, _Asked(labels), asked_scores, starts, reach, order)
    for step in steps_of(queries, scored=scores is not None, picture=picture, norm=threat.norm):
        rows = np.flatnonzero(~climb.result.attack.succeeded)
        if not rows.size or climb.result.stopped is not None:
            break
        climb.take(step, rows)
    return climb.result


class _Asked:
    """A model's answers, with the calls counted and the end of its patience noted."""

    def __init__(self, answers: Callable[[Samples], NDArray[Any]]) -> None:
        self.answers = answers
        self.calls = 0
        self.stopped: BudgetSpentError | None = None

    def __call__(self, x: Samples) -> NDArray[Any]:
        try:
            answered = self.answers(x)
        except BudgetSpentError as stopped:
            self.stopped = stopped
            raise
        self.calls += 1
        return answered


class _Climb:
    """All samples, and what has been found so far."""

    def __init__(
        self,
        x: Samples,
        y: Classes,
        threat: ThreatModel,
        seeds: NDArray[np.int64],
        labels: _Asked,
        scores: _Asked | None,
        starts: tuple[Samples, Classes],
        reach: float,
        order: int,
    ) -> None:
        self.x, self.y, self.threat, self.seeds = x, y, threat, seeds
        self.labels, self.scores, self.starts, self.reach, self.order = labels, scores, starts, reach, order
        none = AttackResult(x.copy(), np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=np.int64))
        self.result = LadderResult(none, [""] * len(x), np.full(len(x), np.inf))

    def take(self, step: Step, rows: NDArray[np.int64]) -> None:
        """One attack on these samples."""
        asked = [asked for asked in (self.labels, self.scores) if asked is not None]
        calls = sum(one.calls for one in asked)
        found = self._run(step, rows)
        broken = self._confirmed(rows, found)
        whole = self.result.attack
        whole.queries[rows] += found.queries
        whole.succeeded[rows[broken]] = True
        whole.adversarial[rows[broken]] = found.adversarial[broken]
        distance = self.threat.distance(self.x[rows[broken]], found.adversarial[broken])
        self.result.nearest[rows[broken]] = np.minimum(self.result.nearest[rows[broken]], distance)
        for row in rows[broken]:
            self.result.by[int(row)] = step.name
        self.result.costs[step.name] = Cost(
            attacked=len(rows),
            broken=len(broken),
            queries=int(found.queries.sum()),
            calls=sum(one.calls for one in asked) - calls,
        )
        self.result.stopped = next((one.stopped for one in asked if one.stopped is not None), None)

    def _run(self, step: Step, rows: NDArray[np.int64]) -> AttackResult:
        x, y, seeds, queries = self.x[rows], self.y[rows], self.seeds[rows], step.queries
        if step.kind == "ray":
            return ray_search(self.labels, x, y, self.threat, self.order, reach=self.reach, queries=queries)
        if step.kind == "hop-skip-jump":
            pool, pool_y = self.starts
            found = hop_skip_jump(self.labels, x, y, self.threat, seeds, queries=queries, pool=pool, pool_y=pool_y)
            self.result.nearest[rows] = np.minimum(self.result.nearest[rows], found.distance)
            return found.attack(x)
        assert self.scores is not None  # noqa: S101 - `steps_of` names these attacks only where there are scores
        if step.kind == "square":
            return square_attack(self.scores, x, y, self.threat, seeds, queries=queries)
        if step.kind == "coordinate":
            return coordinate_attack(self.scores, x, y, self.threat, seeds, queries=queries)
        return simba(self.scores, x, y, self.threat, seeds, queries=queries)

    def _confirmed(self, rows: NDArray[np.int64], found: AttackResult) -> NDArray[np.int64]:
        """Places of the finds that are legal and are answered otherwise once more, if the budget allows to ask."""
        places = np.flatnonzero(found.succeeded)
        if not places.size:
            return places
        points = found.adversarial[places]
        kept = self.threat.contains(self.x[rows[places]], points)
        try:
            kept &= self.labels(points) != self.y[rows[places]]
        except BudgetSpentError:
            self.result.unrepeated += int(kept.sum())
        self.result.unconfirmed += int((~kept).sum())
        return places[kept]
