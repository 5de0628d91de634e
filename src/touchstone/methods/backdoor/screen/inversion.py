"""The smallest patch or mask that turns every picture to a class, sought for several classes in one run.

After Wang et al. 2019 (Neural Cleanse): a mask and a pattern, the size of the mask paid for, the price adapted to how
often it works. Their schedule runs one class after the other for hundreds of steps; here all classes share one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

STEPS = 60
RATE = 0.3
WANTED = 0.9
"""Share of samples that a mask must turn to count."""
PRICE = 0.5
"""Of a mask over the whole picture, at the start."""
HAGGLE = 1.15
"""By how much the price of the mask goes up after a step that works, and down after one that does not."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What was found for one class. `mask` `(1, H, W)` and `pattern` `(C, H, W)`, pictures become
    `(1 - mask) * x + mask * pattern`."""

    target: int
    mask: NDArray[np.float32]
    pattern: NDArray[np.float32]
    success: float
    """Share of the samples it was made with that it turns."""

    @property
    def size(self) -> float:
        """Share of the picture that the mask covers; 1 where nothing that works was found."""
        return float(self.mask.mean()) if self.success >= WANTED else 1.0

    def stamp(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pictures `(n, C, H, W)` with the trigger."""
        return np.asarray((1 - self.mask) * x + self.mask * self.pattern, dtype=np.float32)


def invert(
    network: Callable[[Any], Any],
    x: Tensor,
    y: Tensor,
    targets: Sequence[int],
    *,
    low: float,
    high: float,
    seed: int,
    steps: int = STEPS,
) -> list[Trigger]:
    """For each target class the smallest trigger found on pictures `x` `(n, C, H, W)` of classes `y` `(n,)`.

    Values stay between `low` and `high`. Where no step reaches the wanted share, the trigger is the one that turned
    most.
    """
    generator = torch.Generator().manual_seed(seed)
    wanted = torch.tensor(list(targets))
    count, (channels, height, width) = len(wanted), x.shape[1:]
    mask = torch.randn((count, 1, height, width), generator=generator) - 1.0
    pattern = torch.randn((count, channels, height, width), generator=generator)
    others = (y[None] != wanted[:, None]).float()
    turned_of = others.sum(dim=1).clamp(min=1)
    price = torch.full((count,), PRICE)
    kept = _Kept(count)
    optimiser = torch.optim.Adam([mask.requires_grad_(), pattern.requires_grad_()], lr=RATE, betas=(0.5, 0.9))
    for _ in range(steps):
        shown, colours = torch.sigmoid(mask), low + (high - low) * torch.sigmoid(pattern)
        stamped = (1 - shown[:, None]) * x[None] + (shown * colours)[:, None]
        scores = network(stamped.flatten(0, 1))
        answered = scores.argmax(dim=1).reshape(others.shape)
        success = ((answered == wanted[:, None]) * others).sum(dim=1) / turned_of
        size = shown.mean(dim=(1, 2, 3))
        kept.offer(success, size.detach(), shown.detach(), colours.detach())
        loss = functional.cross_entropy(scores, wanted.repeat_interleave(len(y)), reduction="none")
        total = ((loss.reshape(others.shape) * others).sum(dim=1) / turned_of + price * size * 10).sum()
        mask.grad, pattern.grad = torch.autograd.grad(total, [mask, pattern])
        optimiser.step()
        price = torch.where(success >= WANTED, price * HAGGLE, price / HAGGLE)
    return [kept.trigger(place, int(target)) for place, target in enumerate(wanted)]


class _Kept:
    """The best of what was seen for each class: the smallest that works, else the one that turns most."""

    def __init__(self, count: int) -> None:
        self._best: list[tuple[tuple[bool, float], Tensor, Tensor, float] | None] = [None] * count

    def offer(self, success: Tensor, size: Tensor, masks: Tensor, patterns: Tensor) -> None:
        for place, best in enumerate(self._best):
            share = float(success[place])
            rank = (share >= WANTED, -float(size[place]) if share >= WANTED else share)
            if best is None or rank > best[0]:
                self._best[place] = (rank, masks[place].clone(), patterns[place].clone(), share)

    def trigger(self, place: int, target: int) -> Trigger:
        best = self._best[place]
        if best is None:
            raise ValueError("at least one step expected")
        _, mask, pattern, success = best
        return Trigger(target, mask.numpy(), pattern.numpy(), success)
