"""What the Square attack proposes: windows of ever smaller size, all drawn before the search begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from touchstone.methods.attacks.gradient.balls import Ball, each, length
from touchstone.methods.attacks.square import HALVINGS, LARGEST_SHARE

_MOST_COMPARED: Final = 24
"""Channels up to which a proposal is compared with earlier ones; more hardly ever come again."""
_INSIDE: Final = 1 - 2e-6
"""Budgets end a little inside the ball, so that float32 rounding cannot lead out of it."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Every window of every sample, those that have left included; each field is `(samples, steps, ...)`."""

    top: Tensor
    left: Tensor
    other_top: Tensor
    other_left: Tensor
    upwards: Tensor
    """Per channel, whether the window goes to the upper end."""
    before: Tensor
    """The last step with the very same proposal; -1 if there was none."""


class Proposals:
    """The points that each sample has come to, and where its search goes from there."""

    def __init__(self, x: Tensor, ball: Ball, generators: list[np.random.Generator], steps: int) -> None:
        picture = x.shape[1:] if x.dim() == 4 else (1, 1, x[0].numel() if len(x) else 1)
        self.channels, self.height, self.width = picture
        self.ball, self.steps = ball, steps
        self.original = x.reshape(len(x), *picture)
        self.best = self.original.clone()
        self.line = torch.arange(len(x), device=x.device)
        """Where each sample stands in the plan."""
        stripes = [g.random((self.channels, 1, self.width), dtype=np.float32) for g in generators]
        self._stripes = self._tensor(_stacked(stripes))
        sizes = np.array([self._window(step) for step in range(steps)], dtype=np.int64).reshape(-1, 2)
        self.heights, self.widths = self._tensor(sizes[:, 0]), self._tensor(sizes[:, 1])
        draws = [g.random((max(steps - 1, 0), 4 + self.channels), dtype=np.float32) for g in generators]
        self.plan = self._planned(_stacked(draws), sizes[1:])

    def first(self) -> Tensor:
        """The first proposal of every sample: vertical stripes, each at one end."""
        delta = torch.where(self._stripes < 0.5, 1.0, -1.0).to(self.original.dtype).expand_as(self.original)
        if self.ball.norm != "linf":
            delta = delta / each(length(delta, self.ball.norm).to(delta.dtype), delta)
        return self.ball.project(self.original, self.original + self.ball.radius * delta)

    def changes(self, ahead: Tensor, since: Tensor) -> Tensor:
        """Whether the proposals of the steps `ahead`, `(n, m)`, are news to samples that stand still since `since`."""
        return self.plan.before[self._planned_at(ahead)] < since[:, None]

    def make(self, row: Tensor, step: Tensor) -> Tensor:
        """The proposals of these samples at these steps."""
        raise NotImplementedError

    def accept(self, row: Tensor, candidates: Tensor) -> None:
        """These samples have come to these points."""
        self.best[row] = candidates

    def keep(self, mask: Tensor) -> None:
        """Go on with these samples only."""
        self.original, self.best, self.line = self.original[mask], self.best[mask], self.line[mask]

    def _window(self, step: int) -> tuple[int, int]:
        share = LARGEST_SHARE / 2.0 ** sum(step >= part * self.steps for part in HALVINGS)
        height = min(max(round(share**0.5 * self.height), 1), self.height)
        width = min(max(round(share * self.height * self.width / height), 1), self.width)
        return height, width

    def _planned_at(self, ahead: Tensor) -> tuple[Tensor, Tensor]:
        """Places in the plan of these steps; it begins with step 1, and what is past its end does not count."""
        return self.line[:, None], (ahead - 1).clamp(max=max(self.steps - 2, 0))

    def _planned(self, draws: NDArray[np.float32], sizes: NDArray[np.int64]) -> _Plan:
        rooms = np.stack([self.height - sizes[:, 0], self.width - sizes[:, 1]] * 2, axis=1) + 1
        corners = (draws[..., :4] * rooms.astype(np.float32)).astype(np.int32)
        upwards = draws[..., 4:] >= 0.5
        before = self._last_same(corners if self.ball.norm != "linf" else corners[..., :2], upwards, sizes)
        return _Plan(*(self._tensor(part) for part in (*np.moveaxis(corners, -1, 0), upwards, before)))

    def _last_same(
        self, corners: NDArray[np.int32], upwards: NDArray[np.bool_], sizes: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """For each proposal the last step that proposed the very same, or -1."""
        before = np.full(corners.shape[:2], -1, dtype=np.int32)
        if self.channels > _MOST_COMPARED:
            return before
        key = np.broadcast_to(np.unique(sizes, axis=0, return_inverse=True)[1].reshape(-1), before.shape)
        for column in range(corners.shape[-1]):
            key = key * (self.width if column % 2 else self.height) + corners[..., column]
        for channel in range(self.channels):
            key = 2 * key + upwards[..., channel]
        order = key.argsort(axis=1, kind="stable")
        ordered = np.take_along_axis(key, order, axis=1)
        earlier = np.where(ordered[:, 1:] == ordered[:, :-1], order[:, :-1] + 1, -1)
        np.put_along_axis(before, order[:, 1:], earlier.astype(np.int32), axis=1)
        return before

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.original.device)


class Windows(Proposals):
    """L∞: a window goes to one end of the ball, in each channel of its own."""

    def __init__(self, x: Tensor, ball: Ball, generators: list[np.random.Generator], steps: int) -> None:
        super().__init__(x, ball, generators, steps)
        self.ends = torch.stack(ball.box(self.original), dim=1)
        """Lower and upper end of each element, `(n, 2, channels, height, width)`."""
        self.differing = self._counted(self.ends, self.best)

    def make(self, row: Tensor, step: Tensor) -> Tensor:
        """The best points of these samples with their windows set."""
        height, width = self.heights[step, None], self.widths[step, None]
        tall, wide = (torch.arange(int(side.max()), device=row.device) for side in (height, width))
        planned = self.line[row], step - 1
        down = self.plan.top[planned][:, None] + torch.minimum(tall, height - 1)
        across = self.plan.left[planned][:, None] + torch.minimum(wide, width - 1)
        inside = (down[:, :, None] * self.width + across[:, None, :]).flatten(1)
        area = self.height * self.width
        upwards = self.plan.upwards[planned]
        channel = torch.arange(self.channels, device=row.device)
        there = (channel[:, None] * area + inside[:, None, :]).flatten(1)
        end = (2 * row[:, None] + upwards) * self.channels + channel
        values = self.ends.reshape(-1)[(end[:, :, None] * area + inside[:, None, :]).flatten(1)]
        candidates = self.best[row]
        candidates.flatten(1).scatter_(1, there, values)
        return candidates

    def changes(self, ahead: Tensor, since: Tensor) -> Tensor:
        """Windows that stand at their ends already are no news either."""
        planned = self._planned_at(ahead)
        top, left, upwards = self.plan.top[planned].long(), self.plan.left[planned].long(), self.plan.upwards[planned]
        steps = ahead.clamp(max=self.steps - 1)
        line = self.width + 1
        first, last = top * line, (top + self.heights[steps]) * line
        right = left + self.widths[steps]
        channel = torch.arange(self.channels, device=ahead.device)
        image = (upwards * self.channels + channel) * (line * (self.height + 1))
        differing = self.differing.flatten(1)

        def counted(corner: Tensor) -> Tensor:
            return differing.gather(1, (image + corner[:, :, None]).flatten(1)).reshape(image.shape)

        moved = counted(last + right) - counted(last + left) - counted(first + right) + counted(first + left)
        return super().changes(ahead, since) & (moved > 0).any(dim=2)

    def accept(self, row: Tensor, candidates: Tensor) -> None:
        """These samples have come to these points."""
        super().accept(row, candidates)
        self.differing[row] = self._counted(self.ends[row], candidates)

    def keep(self, mask: Tensor) -> None:
        """Go on with these samples only."""
        super().keep(mask)
        self.ends, self.differing = self.ends[mask], self.differing[mask]

    @staticmethod
    def _counted(ends: Tensor, points: Tensor) -> Tensor:
        """Elements above and left of each place that are not at the lower (the upper) end: summed-area tables."""
        away = (points[:, None] != ends).to(torch.int32)
        return torch.nn.functional.pad(away.cumsum(-1, dtype=torch.int32).cumsum(-2, dtype=torch.int32), (1, 0, 1, 0))


class Takeovers(Proposals):
    """L2 and L1: a window takes over what another one spends of the radius, keeping a trace of what was there."""

    def make(self, row: Tensor, step: Tensor) -> Tensor:
        """The best points of these samples with the budget of two windows moved into one."""
        plan, planned, radius = self.plan, (self.line[row], step - 1), self.ball.radius * _INSIDE
        window = self._inside(plan.top[planned], plan.left[planned], step)
        other = self._inside(plan.other_top[planned], plan.other_left[planned], step)
        original = self.original[row]
        delta = self.best[row] - original
        outside = delta.masked_fill(window | other, 0.0)
        left = self._size(outside)
        budget = radius - left if self.ball.norm == "l1" else (radius**2 - left.square()).clamp_min(0).sqrt()
        signs = torch.where(plan.upwards[planned], 1.0, -1.0).to(delta.dtype)[:, :, None, None] * window
        mixed = self._of_length_one(delta * window) + self._of_length_one(signs)
        moved = outside.add_(self._of_length_one(mixed).mul_(each(budget.clamp_min(0), delta)))
        return moved.add_(original).clamp_(self.ball.low, self.ball.high)

    def _of_length_one(self, delta: Tensor) -> Tensor:
        return delta / each(self._size(delta).clamp_min(1e-12), delta)

    def _size(self, delta: Tensor) -> Tensor:
        size: Tensor = torch.linalg.vector_norm(delta.flatten(1), 1 if self.ball.norm == "l1" else 2, dim=1)
        return size

    def _inside(self, top: Tensor, left: Tensor, step: Tensor) -> Tensor:
        """Whether each element lies in the window, `(m, 1, height, width)`."""
        down, across = (torch.arange(side, device=step.device) for side in (self.height, self.width))
        rows = (down >= top[:, None]) & (down < (top + self.heights[step])[:, None])
        columns = (across >= left[:, None]) & (across < (left + self.widths[step])[:, None])
        return (rows[:, :, None] & columns[:, None, :])[:, None]


def _stacked(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(parts) if parts else np.empty((0, 0, 5), dtype=np.float32)
