"""Square: random search over windows, on tensors, in all three norms.

Andriushchenko, Croce, Flammarion and Hein 2020, "Square Attack" (ECCV). In L∞ a window is set to a corner of the ball.
In L2 and L1 a window takes over the budget of itself and of another one, with the paper's peaked profile. Windows keep
the aspect ratio of the picture; anything that is no picture is treated as one row.

It needs no gradient, and so finds what attacks along a masked gradient miss.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from touchstone.methods.attacks.gradient.auto_pgd import Ascent
from touchstone.methods.attacks.gradient.balls import Ball, each, length
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.objectives import margin
from touchstone.methods.attacks.square import HALVINGS, LARGEST_SHARE

_DRAWN_AT_ONCE: Final = 256
"""Steps for which random numbers are drawn ahead."""


def square(
    model: Differentiable,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    generators: list[np.random.Generator],
    *,
    queries: int,
) -> Ascent:
    """Search with at most `queries` forward passes per sample; each sample draws from its own generator."""
    walk = _Search(model, x, y, ball, generators, queries)
    for step in range(queries):
        if not len(walk.place):
            break
        walk.try_window(step)
    walk.found.points[walk.place] = walk.best.reshape(len(walk.place), *x.shape[1:])
    walk.found.values[walk.place] = -walk.value
    return walk.found


class _Search:
    def __init__(
        self,
        model: Differentiable,
        x: Tensor,
        y: Tensor,
        ball: Ball,
        generators: list[np.random.Generator],
        queries: int,
    ) -> None:
        self.model, self.ball, self.queries = model, ball, queries
        self.shape = x.shape[1:]
        picture = self.shape if x.dim() == 4 else (1, 1, x[0].numel() if len(x) else 1)
        self.channels: int
        self.height: int
        self.width: int
        self.channels, self.height, self.width = picture
        self.place = torch.arange(len(x), device=x.device)
        self.original = x.reshape(len(x), *picture)
        self.best = self.original.clone()
        self.y = y
        self.value = torch.full((len(x),), torch.inf, device=x.device)
        self.generators = generators
        self.found = Ascent(
            points=x.clone(),
            broken=torch.zeros(len(x), dtype=torch.bool, device=x.device),
            values=torch.full((len(x),), -torch.inf, device=x.device),
            steps=torch.full((len(x),), -1, device=x.device),
        )
        self._draws: NDArray[np.float32] = np.empty((0, 0, 0), dtype=np.float32)

    def try_window(self, step: int) -> None:
        """Propose one change to every sample still standing, and keep the ones that bring it nearer to breaking."""
        candidate = self._stripes() if step == 0 else self._window(step)
        scores = self.model.scores(candidate.reshape(len(candidate), *self.shape))
        value = margin(scores, self.y)
        better = value <= self.value
        self.best = torch.where(each(better, candidate), candidate, self.best)
        self.value = torch.where(better, value, self.value)
        broken = scores.argmax(dim=1) != self.y
        if bool(broken.any()):
            self._cut(broken, candidate, step)

    def _cut(self, broken: Tensor, candidate: Tensor, step: int) -> None:
        places = self.place[broken]
        self.found.points[places] = candidate[broken].reshape(len(places), *self.shape)
        self.found.broken[places] = True
        self.found.steps[places] = step
        self.found.values[places] = 0.0
        keep = ~broken
        self.place, self.original, self.best = self.place[keep], self.original[keep], self.best[keep]
        self.y, self.value = self.y[keep], self.value[keep]
        kept = keep.cpu().numpy()
        self.generators = [generator for generator, stays in zip(self.generators, kept, strict=True) if stays]
        self._draws = self._draws[kept] if self._draws.size else self._draws

    # ---- what is proposed

    def _stripes(self) -> Tensor:
        """The first proposal: vertical stripes, each at one end."""
        drawn = [g.random((self.channels, 1, self.width), dtype=np.float32) for g in self.generators]
        signs = self._tensor(np.stack(drawn)) < 0.5
        delta = torch.where(signs, 1.0, -1.0).to(self.original.dtype).expand_as(self.original)
        if self.ball.norm != "linf":
            delta = delta / each(length(delta, self.ball.norm).to(delta.dtype), delta)
        return self._legal(self.original + self.ball.radius * delta)

    def _window(self, step: int) -> Tensor:
        height, width = self._size(step)
        draw = self._numbers(step)
        rows = self._inside(draw[:, 0], self.height, height, 2), self._inside(draw[:, 1], self.width, width, 3)
        signs = torch.where(draw[:, 4:, None, None] < 0.5, -1.0, 1.0).to(self.original.dtype)
        if self.ball.norm == "linf":
            window = rows[0] & rows[1]
            corner = self._legal(self.original + self.ball.radius * signs)
            return torch.where(window, corner, self.best)
        other = self._inside(draw[:, 2], self.height, height, 2) & self._inside(draw[:, 3], self.width, width, 3)
        return self._taken_over(rows[0] & rows[1], other, signs)

    def _taken_over(self, window: Tensor, other: Tensor, signs: Tensor) -> Tensor:
        """Move the budget of both windows into the first, keeping a trace of what was there."""
        norm = self.ball.norm
        delta = self.best - self.original
        outside = torch.where(window | other, torch.zeros_like(delta), delta)
        left = length(outside, norm)
        budget = self.ball.radius - left if norm == "l1" else (self.ball.radius**2 - left**2).clamp_min(0).sqrt()
        inside = torch.where(window, delta, torch.zeros_like(delta))
        unit = inside / each(length(inside, norm).clamp_min(1e-12).to(delta.dtype), delta)
        profile = torch.where(window, signs, torch.zeros_like(delta))
        profile = profile / each(length(profile, norm).clamp_min(1e-12).to(delta.dtype), delta)
        mixed = unit + profile
        mixed = mixed / each(length(mixed, norm).clamp_min(1e-12).to(delta.dtype), delta)
        return self._legal(self.original + outside + each(budget.clamp_min(0).to(delta.dtype), delta) * mixed)

    def _legal(self, moved: Tensor) -> Tensor:
        return self.ball.project(self.original, moved)

    def _size(self, step: int) -> tuple[int, int]:
        share = LARGEST_SHARE / 2.0 ** sum(step >= part * self.queries for part in HALVINGS)
        height = min(max(round(share**0.5 * self.height), 1), self.height)
        width = min(max(round(share * self.height * self.width / height), 1), self.width)
        return height, width

    def _inside(self, draw: Tensor, side: int, window: int, axis: int) -> Tensor:
        """Whether each row (column) lies in the window whose start was drawn."""
        first = (draw * (side - window + 1)).floor()[:, None, None, None]
        shape = [1, 1, 1, 1]
        shape[axis] = side
        position = torch.arange(side, device=draw.device, dtype=draw.dtype).reshape(shape)
        return (position >= first) & (position < first + window)

    def _numbers(self, step: int) -> Tensor:
        """Each sample's own random numbers for this step, drawn many steps ahead."""
        ahead = (step - 1) % _DRAWN_AT_ONCE
        if ahead == 0:
            drawn = [g.random((_DRAWN_AT_ONCE, 4 + self.channels), dtype=np.float32) for g in self.generators]
            self._draws = np.stack(drawn)
        return self._tensor(self._draws[:, ahead])

    def _tensor(self, array: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.original.device)
