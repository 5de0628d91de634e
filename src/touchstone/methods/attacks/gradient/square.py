"""Square: random search over windows, on tensors, in all three norms.

Andriushchenko, Croce, Flammarion and Hein 2020, "Square Attack" (ECCV). In L∞ a window is set to a corner of the ball.
In L2 and L1 a window takes over the budget of itself and of another one. Windows keep the aspect ratio of the picture;
anything that is no picture is treated as one row.

It needs no gradient, and so finds what attacks along a masked gradient miss.

The search goes the way that it would go one proposal after the other, at a fraction of the cost. A proposal that would
change nothing, or that was turned down before and nothing has changed since, is known and not asked. Several of a
sample's proposals are asked at once as long as few are accepted; those behind an accepted one are made anew. Both take
for granted that a model answers the same question the same way.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.auto_pgd import Ascent
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.objectives import margin
from touchstone.methods.attacks.gradient.windows import Proposals, Takeovers, Windows

_LOOKED_AT: Final = 64
"""Proposals of each sample that are looked through at once for some worth asking."""
_IN_VAIN: Final = 0.1
"""Share of the questions that may be lost behind accepted proposals."""


def square(
    model: Differentiable,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    generators: list[np.random.Generator],
    *,
    queries: int,
    at_once: int,
) -> Ascent:
    """Search with at most `queries` proposals per sample; each sample draws from its own generator.

    About `at_once` proposals go through the model together.
    """
    kind = Windows if ball.norm == "linf" else Takeovers
    walk = _Search(model, x, y, kind(x, ball, generators, queries), at_once)
    walk.begin()
    while walk.goes_on():
        walk.look_ahead()
    return walk.found


class _Search:
    """The samples still standing, each at a step of its own."""

    def __init__(self, model: Differentiable, x: Tensor, y: Tensor, proposals: Proposals, at_once: int) -> None:
        self.model, self.y, self.proposals, self.at_once = model, y, proposals, at_once
        self.found = Ascent.nothing(x)
        self.shape = x.shape[1:]
        self.place = torch.arange(len(x), device=x.device)
        self.value = torch.full((len(x),), torch.inf, device=x.device)
        self.step = torch.ones(len(x), dtype=torch.long, device=x.device)
        self.since = self.step.clone()
        """Step from which on the best point has been the same."""
        self.accepted = 1.0
        """Share of the questions that led on, lately."""

    def begin(self) -> None:
        """The first proposal is always taken."""
        if len(self.place):
            candidates = self.proposals.first()
            self._take(torch.arange(len(candidates), device=self.place.device), candidates, *self._ask(candidates))

    def goes_on(self) -> bool:
        """Let go of the samples that are through."""
        self._leave(self.step < self.proposals.steps)
        return len(self.place) > 0

    def look_ahead(self) -> None:
        """Ask every sample's next proposals that are worth it, and go on to behind the first that is accepted."""
        row, step, beyond = self._worth_asking()
        if not len(row):
            self.step = beyond
            return
        candidates = self.proposals.make(row, step)
        value, broken = self._ask(candidates, row)
        leads = (value <= self.value[row]).nonzero()[:, 0]
        self.step = beyond.scatter_reduce(0, row[leads], step[leads] + 1, "amin")
        first = leads[step[leads] + 1 == self.step[row[leads]]]
        self.accepted = 0.5 * (self.accepted + len(first) / len(row))
        self.since[row[first]] = self.step[row[first]]
        self._take(row[first], candidates[first], value[first], broken[first])

    def _worth_asking(self) -> tuple[Tensor, Tensor, Tensor]:
        """Sample and step of each proposal to ask, in order, and the step each sample has come to if none leads on."""
        room = self.at_once // len(self.place)
        most = max(min(room, 1 + int(2 * _IN_VAIN / max(self.accepted, 1 / self.at_once))), 1)
        ahead = self.step[:, None] + torch.arange(_LOOKED_AT, device=self.step.device)
        news = (ahead < self.proposals.steps) & self.proposals.changes(ahead, self.since)
        rank = news.cumsum(dim=1)
        chosen = news & (rank <= most)
        row, column = chosen.nonzero(as_tuple=True)
        beyond = self.step + (rank <= most).sum(dim=1)
        return row, ahead[row, column], beyond.clamp(max=self.proposals.steps)

    def _ask(self, candidates: Tensor, row: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y = self.y if row is None else self.y[row]
        scores = self.model.scores(candidates.reshape(len(candidates), *self.shape))
        return margin(scores, y), scores.argmax(dim=1) != y

    def _take(self, row: Tensor, candidates: Tensor, value: Tensor, broken: Tensor) -> None:
        """Go on from these candidates, and let go of the samples they break."""
        self.proposals.accept(row, candidates)
        self.value[row] = value
        if not bool(broken.any()):
            return
        places = self.place[row[broken]]
        self.found.broken[places] = True
        self.found.steps[places] = self.step[row[broken]] - 1
        stays = torch.ones(len(self.place), dtype=torch.bool, device=self.place.device)
        stays[row[broken]] = False
        self._leave(stays)

    def _leave(self, stays: Tensor) -> None:
        if bool(stays.all()):
            return
        leaving = self.place[~stays]
        self.found.points[leaving] = self.proposals.best[~stays].reshape(-1, *self.shape)
        self.found.values[leaving] = -self.value[~stays]
        self.place, self.y, self.value = self.place[stays], self.y[stays], self.value[stays]
        self.step, self.since = self.step[stays], self.since[stays]
        self.proposals.keep(stays)
